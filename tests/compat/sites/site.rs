// site - the site of the suite by Rust's std alone: a thread for each connection.
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::{env, fs, io, thread};

fn answer(out: &mut TcpStream, status: &str, body: &[u8], bare: bool) -> io::Result<()> {
    let head = format!("HTTP/1.1 {}\r\nContent-Length: {}\r\n\r\n", status, body.len());
    out.write_all(head.as_bytes())?;
    if bare {
        return Ok(());
    }
    out.write_all(body)
}

fn serve(connection: TcpStream, www: &str) -> io::Result<()> {
    let mut reader = BufReader::new(connection.try_clone()?);
    let mut out = connection;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let last = line.trim_end().ends_with("HTTP/1.0");
        let mut words = line.split(' ');
        let method = words.next().unwrap_or("").to_string();
        let path = words.next().unwrap_or("").to_string();
        let mut length = 0;
        loop {
            let mut field = String::new();
            if reader.read_line(&mut field)? == 0 || field == "\r\n" {
                break;
            }
            let lower = field.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            if lower.starts_with("transfer-encoding:") {
                return answer(&mut out, "411 Length Required", b"none\n", false);
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        if method == "POST" {
            answer(&mut out, "200 OK", format!("got {}", length).as_bytes(), false)?;
        } else if path == "/chunk" {
            out.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
            for part in [&b"1\r\na\r\n"[..], b"2\r\nbc\r\n", b"0\r\n\r\n"] {
                out.write_all(part)?;
            }
        } else if path == "/small.txt" {
            answer(&mut out, "200 OK", &fs::read(www.to_string() + &path)?, method == "HEAD")?;
        } else if path == "/big.bin" {
            let mut file = fs::File::open(www.to_string() + &path)?;
            let size = file.metadata()?.len();
            write!(out, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", size)?;
            io::copy(&mut file, &mut out)?;
        } else {
            answer(&mut out, "404 Not Found", b"none\n", method == "HEAD")?;
        }
        if last {
            return Ok(());
        }
    }
}

fn main() -> io::Result<()> {
    let port = env::args().nth(1).expect("a port");
    let listener = TcpListener::bind(format!("127.0.0.1:{}", port))?;
    for connection in listener.incoming() {
        let connection = connection?;
        thread::spawn(move || {
            let _ = serve(connection, &env::var("SITE_WWW").expect("SITE_WWW"));
        });
    }
    Ok(())
}
