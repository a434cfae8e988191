"""secured - the table, continued: servers that are spoken to by TLS."""
from languages import GUNICORN, PYTHONIC, compiled, gunicorn, program, puma, uvicorn
from servers import (APACHE_LOG, APACHE_MODULES, NGINX_LOG, PLAIN, SITES, Recipe, apache, haproxy,
                     lighttpd, nginx)


def nginx_tls(more=""):
    return lambda place: nginx(
        listen=" ssl", http="sendfile on; tcp_nopush on; "
        f"ssl_certificate {place.certificate}; ssl_certificate_key {place.certificate}; "
        + more)(place)


def apache_tls(model):
    def command(place):
        (program_, option, config, *rest) = apache(model)(place)
        config.write_text(config.read_text() + f"""\
LoadModule ssl_module {APACHE_MODULES}/mod_ssl.so
SSLEngine on
SSLCertificateFile {place.certificate}
SSLSessionCache none
""")
        return [program_, option, config, *rest]
    return command


def lighttpd_tls(module):
    def command(place):
        (*rest, config) = lighttpd(place)
        config.write_text(config.read_text() + f"""\
server.modules += ("{module}")
ssl.engine = "enable"
ssl.pemfile = "{place.certificate}"
""")
        return [*rest, config]
    return command


def haproxy_tls(place):
    (*rest, config) = haproxy(place)
    bind = f"bind 127.0.0.1:{place.port}"
    config.write_text(config.read_text().replace(bind, f"{bind} ssl crt {place.certificate}"))
    return [*rest, config]


def hitch(place):
    return ["hitch", f"--frontend=[127.0.0.1]:{place.port}",
            f"--backend=[127.0.0.1]:{place.backend}", "-n", "2", "--user=nobody", "-q",
            place.certificate]


def stunnel(place):
    return ["stunnel4", place.write("stunnel.conf", f"""\
foreground = yes
pid =
debug = 3
[site]
accept = 127.0.0.1:{place.port}
connect = 127.0.0.1:{place.backend}
cert = {place.certificate}
""")]


def with_files(command, *names):
    """The same command with the certificate's file behind each of these options."""
    return lambda place: [*command(place), *(x for n in names for x in (n, place.certificate))]


def puma_tls(*options):
    def command(place):
        (name, option, _, *rest) = puma(*options)(place)
        return [name, option, f"ssl://127.0.0.1:{place.port}?key={place.certificate}"
                f"&cert={place.certificate}", *rest]
    return command


TLS = {"tls": True}

SECURED = {
    "nginx-tls": Recipe(nginx_tls(), default=True, share=2, **TLS, **NGINX_LOG),
    "nginx-tls12": Recipe(nginx_tls("ssl_protocols TLSv1.2; ssl_session_tickets on;"),
                          **TLS, **NGINX_LOG),
    "nginx-tls-early": Recipe(nginx_tls("ssl_early_data on; ssl_buffer_size 1400;"),
                              **TLS, **NGINX_LOG),
    "nginx-ktls": Recipe(nginx_tls("ssl_conf_command Options KTLS;"), **TLS, **NGINX_LOG),
    "apache-tls-prefork": Recipe(apache_tls("prefork"), **TLS, **APACHE_LOG),
    "apache-tls-event": Recipe(apache_tls("event"), default=True, **TLS, **APACHE_LOG),
    "lighttpd-openssl": Recipe(lighttpd_tls("mod_openssl"),
                               ("lighttpd", "/usr/lib/lighttpd/mod_openssl.so"), log="access.log",
                               form=PLAIN, user=True, **TLS),
    "lighttpd-gnutls": Recipe(lighttpd_tls("mod_gnutls"),
                              ("lighttpd", "/usr/lib/lighttpd/mod_gnutls.so"), log="access.log",
                              form=PLAIN, user=True, **TLS),
    "haproxy-tls": Recipe(haproxy_tls, ("haproxy", "nginx"), log="output", form=PLAIN,
                          backend="nginx", default=True, **TLS),
    "hitch": Recipe(hitch, ("hitch", "nginx"), backend="nginx", **TLS),
    "stunnel": Recipe(stunnel, ("stunnel4", "nginx"), backend="nginx",
                      noise="SSL_write", **TLS),
    "python-tls": Recipe(program("threading"), log="output", keeps=False,
                         default=True, **TLS, **PYTHONIC),
    "gunicorn-tls": Recipe(with_files(gunicorn("gthread", "--threads", "4"), "--certfile",
                                      "--keyfile"), modules=("gunicorn",), **TLS, **GUNICORN),
    "uvicorn-tls": Recipe(with_files(uvicorn("asyncio", "h11"), "--ssl-certfile", "--ssl-keyfile"),
                          modules=("uvicorn", "h11"), log="output", default=True,
                          noise="socket.send.. raised exception", **TLS, **PYTHONIC),
    "uvicorn-tls-uvloop": Recipe(with_files(uvicorn("uvloop", "httptools"), "--ssl-certfile",
                                            "--ssl-keyfile"),
                                 modules=("uvicorn", "uvloop", "httptools"), log="output", **TLS,
                                 **PYTHONIC),
    "puma-tls": Recipe(puma_tls("-t", "4:4"), ("puma",), default=True, **TLS),
    "webrick-tls": Recipe(lambda p: ["ruby", SITES / "webrick.rb", p.port], ("ruby",),
                          log="output", without={
                              "pipelined": "what its library has read already waits for more"},
                          **TLS),
    "node-tls": Recipe(lambda p: ["node", SITES / "site.js", p.port], ("node",), visible=False,
                       unlinked=True, **TLS),
    "gnutls": Recipe(compiled("cc", "site.c", "-O2", "-Wl,--no-as-needed", "-lmicrohttpd"),
                     ("cc", "/usr/include/microhttpd.h"), **TLS),
}
