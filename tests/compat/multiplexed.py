"""multiplexed - the table, continued: servers that are spoken to by HTTP/2, in the clear or by TLS."""
from secured import TLS, apache_tls, haproxy_tls, lighttpd_tls
from servers import (APACHE_LOG, APACHE_MODULES, NGINX_LOG, PLAIN, SITES, Recipe, apache, haproxy,
                     lighttpd, nginx)

LONG = "keepalive_requests 1000000;"  # or each thousandth stream of a connection is its last


def more(command, text):
    """The same command with these lines at the end of its configuration."""
    def with_more(place):
        words = command(place)
        config = words[words.index("-f") + 1]
        config.write_text(config.read_text() + text)
        return words
    return with_more


def haproxy_h2(command, option):
    """No more than the server behind it takes, each on a connection of its own: where that server
    closes one that was kept, HAProxy breaks the stream off, for the client to ask again."""
    def with_h2(place):
        (*rest, config) = command(place)
        bind = f"bind 127.0.0.1:{place.port}"
        text = config.read_text().replace(bind, f"{bind} {option}")
        text = text.replace("option dontlognull", "option http-server-close")
        config.write_text(text.replace(f"{place.backend}\n", f"{place.backend} maxconn 200\n"))
        return [*rest, config]
    return with_h2


def apache_h2(command, protocol):
    return more(command, f"LoadModule http2_module {APACHE_MODULES}/mod_http2.so\n"
                f"Protocols {protocol} http/1.1\nMaxKeepAliveRequests 0\n")


LIGHTTPD = {"log": "access.log", "form": PLAIN, "user": True}
LIGHTTPD_LONG = "server.max-keep-alive-requests = 1000000\n"
HAPROXY = {"needs": ("haproxy", "nginx"), "log": "output", "form": PLAIN, "backend": "nginx"}

MULTIPLEXED = {
    "nginx-h2c": Recipe(nginx(listen=" http2", http=LONG), **NGINX_LOG),
    "nginx-h2": Recipe(
        lambda p: nginx(listen=" ssl http2", http=LONG + f"ssl_certificate {p.certificate}; "
                        f"ssl_certificate_key {p.certificate};")(p), **TLS, **NGINX_LOG),
    "apache-h2c": Recipe(apache_h2(apache("event"), "h2c"), **APACHE_LOG),
    "apache-h2": Recipe(apache_h2(apache_tls("event"), "h2"), **TLS, **APACHE_LOG),
    "lighttpd-h2c": Recipe(more(lighttpd, LIGHTTPD_LONG), ("lighttpd",), **LIGHTTPD),
    "lighttpd-h2": Recipe(more(lighttpd_tls("mod_openssl"), LIGHTTPD_LONG),
                          ("lighttpd", "/usr/lib/lighttpd/mod_openssl.so"), **TLS, **LIGHTTPD),
    "haproxy-h2c": Recipe(haproxy_h2(haproxy, "proto h2"), **HAPROXY),
    "haproxy-h2": Recipe(haproxy_h2(haproxy_tls, "alpn h2"), **TLS, **HAPROXY),
    "node-h2c": Recipe(lambda p: ["node", SITES / "site2.js", p.port], ("node",), log="output",
                       form=PLAIN),
}
