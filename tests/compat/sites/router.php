<?php // the site of the suite for PHP
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
$www = getenv('SITE_WWW') ?: $_SERVER['SITE_WWW'];
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
	echo 'got ', strlen(file_get_contents('php://input'));
} elseif ($path === '/chunk') {
	foreach (['a', 'bc', 'def'] as $part) {
		echo $part;
		flush();
	}
} elseif ($path === '/small.txt' || $path === '/big.bin') {
	header('Content-Length: ' . filesize($www . $path));
	readfile($www . $path);
} else {
	http_response_code(404);
	echo "none\n";
}
if (PHP_SAPI === 'cli-server')
	error_log($_SERVER['REQUEST_METHOD'] . ' ' . http_response_code());
