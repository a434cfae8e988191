// Channels - the site of the suite by Java's own sockets: a thread for each, files by transferTo.
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;

public class Channels {
	static final String WWW = System.getenv("SITE_WWW");

	static void say(SocketChannel out, String text) throws IOException {
		ByteBuffer bytes = ByteBuffer.wrap(text.getBytes());
		while (bytes.hasRemaining())
			out.write(bytes);
	}

	static void answer(SocketChannel out, String status, String body, boolean bare) throws IOException {
		say(out, "HTTP/1.1 " + status + "\r\nContent-Length: " + body.length() + "\r\n\r\n"
				+ (bare ? "" : body));
	}

	static void answerFile(SocketChannel out, String path, boolean bare) throws IOException {
		try (FileChannel file = FileChannel.open(Path.of(WWW + path))) {
			say(out, "HTTP/1.1 200 OK\r\nContent-Length: " + file.size() + "\r\n\r\n");
			for (long at = 0; !bare && at < file.size();)
				at += file.transferTo(at, file.size() - at, out);
		}
	}

	/** A line without its end; empty behind the last one. */
	static String line(InputStream in) throws IOException {
		StringBuilder text = new StringBuilder();
		for (int c = in.read(); c >= 0 && c != '\n'; c = in.read())
			text.append((char) c);
		return text.toString().stripTrailing();
	}

	/** false: no more is to come. */
	static boolean serveOne(InputStream in, SocketChannel out) throws IOException {
		String[] words = line(in).split(" ");
		int length = 0;
		if (words.length < 3)
			return false;
		for (String field = line(in); !field.isEmpty(); field = line(in)) {
			String lower = field.toLowerCase();
			if (lower.startsWith("content-length:"))
				length = Integer.parseInt(lower.substring(15).strip());
			if (lower.startsWith("transfer-encoding:")) {
				answer(out, "411 Length Required", "none\n", false);
				return false;
			}
		}
		int got = in.readNBytes(length).length;
		boolean bare = words[0].equals("HEAD");
		if (words[0].equals("POST"))
			answer(out, "200 OK", "got " + got, false);
		else if (words[1].equals("/chunk"))
			say(out, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n0\r\n\r\n");
		else if (words[1].equals("/small.txt") || words[1].equals("/big.bin"))
			answerFile(out, words[1], bare);
		else
			answer(out, "404 Not Found", "none\n", bare);
		return words[2].equals("HTTP/1.1");
	}

	static void serve(SocketChannel connection) {
		try (connection) {
			InputStream in = new BufferedInputStream(connection.socket().getInputStream());
			while (serveOne(in, connection)) {
			}
		} catch (IOException left) {
			return; // in the middle of it, as some clients do
		}
	}

	public static void main(String[] arguments) throws IOException {
		ServerSocketChannel listener = ServerSocketChannel.open();
		listener.bind(new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0])), 64);
		for (;;) {
			SocketChannel connection = listener.accept();
			new Thread(() -> serve(connection)).start();
		}
	}
}
