// site - the site of the suite for node, alone or (with a second argument) as a cluster of two.
const cluster = require('cluster'), fs = require('fs'), http = require('http');
const https = require('https'), file = process.env.SITE_CERTIFICATE;
const www = process.env.SITE_WWW, port = +process.argv[2];

function answer(request, reply) {
	if (request.method === 'POST') {
		let bytes = 0;
		request.on('data', (data) => { bytes += data.length; });
		request.on('end', () => reply.end('got ' + bytes));
	} else if (request.url === '/chunk') {
		reply.write('a');
		setTimeout(() => { reply.write('bc'); reply.end('def'); }, 5);
	} else if (request.url === '/small.txt') {
		reply.end(fs.readFileSync(www + '/small.txt'));
	} else if (request.url === '/big.bin') {
		fs.createReadStream(www + '/big.bin').on('error', () => {}).pipe(reply);
	} else {
		reply.statusCode = 404;
		reply.end('none\n');
	}
}

if (process.argv[3] && cluster.isPrimary) {
	cluster.fork();
	cluster.fork();
	process.on('SIGTERM', () => process.exit(0));
} else if (file) {
	const both = fs.readFileSync(file);
	https.createServer({ key: both, cert: both }, answer).listen(port, '127.0.0.1');
} else {
	http.createServer(answer).listen(port, '127.0.0.1');
}
