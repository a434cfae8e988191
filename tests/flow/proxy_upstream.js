// An upstream whose replies are as the request's query says; counts what it was asked.
const http = require("http");
const seen = {};

const server = http.createServer((request, reply) => {
	const [path, ...rest] = request.url.split("?"); // as it came: "//" and "*" are no URLs
	const query = new URLSearchParams(rest.join("?"));
	const chunks = [];

	seen[path] = (seen[path] || 0) + 1;
	request.on("data", (chunk) => chunks.push(chunk));
	request.on("end", () => {
		const body = Buffer.concat(chunks);
		const headers = {};

		for (const [name, value] of query)
			if (name.startsWith("h-"))
				headers[name.slice(2)] = value;
		if (path === "/seen") {
			reply.end(JSON.stringify(seen));
			return;
		}
		const told = query.has("size") ? "x".repeat(+query.get("size")) : JSON.stringify({
			method: request.method, url: request.url, version: request.httpVersion,
			headers: request.rawHeaders.filter((_, i, all) => query.has("all") ||
				all[i - i % 2].toLowerCase() !== "connection"),
			trailers: request.trailers,
			body: body.toString("latin1"), time: query.has("count") ? seen[path] : 0,
		});
		setTimeout(() => {
			reply.writeHead(+(query.get("status") || 200), headers);
			if (query.has("chunked")) {
				for (let at = 0; at < told.length; at += 1000)
					reply.write(told.slice(at, at + 1000));
				reply.end();
			} else {
				reply.end(told);
			}
		}, +(query.get("wait") || 0));
	});
});

server.on("checkContinue", (request, reply) => {
	reply.writeContinue();
	server.emit("request", request, reply);
});
server.on("upgrade", (request, socket, head) => {
	socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
	socket.write(head);
	socket.on("data", (data) => socket.write(data));
	socket.on("end", () => socket.end("bye"));
	socket.on("error", () => {});
});
server.listen(+process.argv[2], "127.0.0.1");
