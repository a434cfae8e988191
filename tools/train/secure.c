#include "secure.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <poll.h>

#define VALID_S (60 * 60)

static bool secure_certify(SSL_CTX *context)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	X509_NAME *name = X509_get_subject_name(certificate);
	bool done;

	X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
	X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_S);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"train", -1, -1,
				   0);
	X509_set_issuer_name(certificate, name);
	done = key && X509_set_pubkey(certificate, key) &&
	       X509_sign(certificate, key, EVP_sha256()) &&
	       SSL_CTX_use_certificate(context, certificate) == 1 &&
	       SSL_CTX_use_PrivateKey(context, key) == 1;
	X509_free(certificate);
	EVP_PKEY_free(key);
	return done;
}

/* Waits for what OpenSSL waits for; false: for nothing more. */
static bool secure_waits(SSL *ssl, int result)
{
	int why = SSL_get_error(ssl, result);
	struct pollfd pollfd = { SSL_get_fd(ssl), why == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN,
				 0 };

	return (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) &&
	       poll(&pollfd, 1, -1) == 1;
}

SSL *secure_open(int fd, bool server)
{
	SSL_CTX *context = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	SSL *ssl;
	int result;

	if (!context || (server && !secure_certify(context)))
		return NULL;
	ssl = SSL_new(context);
	SSL_CTX_free(context); /* ssl has it */
	if (!ssl || !SSL_set_fd(ssl, fd) || fcntl(fd, F_SETFL, O_NONBLOCK))
		return NULL;
	do
		result = server ? SSL_accept(ssl) : SSL_connect(ssl);
	while (result != 1 && secure_waits(ssl, result));
	return result == 1 ? ssl : NULL;
}

void secure_close(SSL *ssl)
{
	SSL_shutdown(ssl);
	SSL_free(ssl);
}

ssize_t secure_read(SSL *ssl, void *to, size_t room)
{
	int result;

	do
		result = SSL_read(ssl, to, (int)room);
	while (result <= 0 && secure_waits(ssl, result));
	return result;
}

ssize_t secure_write(SSL *ssl, const void *from, size_t n)
{
	int result;

	do
		result = SSL_write(ssl, from, (int)n);
	while (result <= 0 && secure_waits(ssl, result));
	return result;
}
