// site2 - the site of the suite for node by HTTP/2 in the clear; it prints what it answered.
const fs = require('fs'), http2 = require('http2');
const www = process.env.SITE_WWW;
let printed = [];

function answer(request, reply) {
	const found = request.url === '/small.txt';

	reply.statusCode = found ? 200 : 404;
	reply.end(found ? fs.readFileSync(www + '/small.txt') : 'none\n');
	printed.push(request.method + ' ' + reply.statusCode);
}

setInterval(() => {
	if (printed.length)
		console.log(printed.join('\n'));
	printed = [];
}, 50);
process.on('SIGTERM', () => process.exit(0));
http2.createServer(answer).listen(+process.argv[2], '127.0.0.1');
