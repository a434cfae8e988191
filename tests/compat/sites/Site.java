// Site - the site of the suite for the JDK's own HTTP server.
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Executors;

public class Site {
	static final String WWW = System.getenv("SITE_WWW");

	static void answer(HttpExchange exchange) throws IOException {
		String path = exchange.getRequestURI().getPath();
		int status = 200;
		byte[] body = "none\n".getBytes();
		if (exchange.getRequestMethod().equals("POST")) {
			body = ("got " + exchange.getRequestBody().readAllBytes().length).getBytes();
		} else if (path.equals("/chunk")) {
			exchange.sendResponseHeaders(200, 0);
			try (OutputStream out = exchange.getResponseBody()) {
				out.write("abcdef".getBytes());
			}
			return;
		} else if (path.equals("/small.txt") || path.equals("/big.bin")) {
			body = Files.readAllBytes(Path.of(WWW + path));
		} else {
			status = 404;
		}
		boolean head = exchange.getRequestMethod().equals("HEAD");
		exchange.sendResponseHeaders(status, head ? -1 : body.length);
		try (OutputStream out = exchange.getResponseBody()) {
			if (!head)
				out.write(body);
		}
	}

	public static void main(String[] arguments) throws IOException {
		int port = Integer.parseInt(arguments[0]);
		HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 64);
		server.createContext("/", Site::answer);
		server.setExecutor(Executors.newFixedThreadPool(8));
		server.start();
	}
}
