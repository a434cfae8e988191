#include "seal.h"

#include <dlfcn.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

/* What libcurl's own build needs: the version that libssl-dev describes. */
#define SEAL_LIBRARY "libcrypto.so.3"

static struct {
	__typeof__(HMAC) *hmac;
	__typeof__(EVP_sha256) *sha256;
} seal_library;

static int seal_open(void)
{
	void *library = dlopen(SEAL_LIBRARY, RTLD_NOW | RTLD_LOCAL);
	void *hmac = library ? dlsym(library, "HMAC") : NULL;
	void *sha256 = library ? dlsym(library, "EVP_sha256") : NULL;

	if (!hmac || !sha256)
		return -ELIBACC;
	memcpy(&seal_library.hmac, &hmac, sizeof(hmac));
	memcpy(&seal_library.sha256, &sha256, sizeof(sha256));
	return 0;
}

int seal_hmac(const char *secret, const char *bytes, size_t length, char out[SEAL_TEXT])
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned int size = 0;
	int ret = seal_library.hmac ? 0 : seal_open();

	if (ret)
		return ret;
	if (!seal_library.hmac(seal_library.sha256(), secret, (int)strlen(secret),
			       (const unsigned char *)bytes, length, sum, &size) ||
	    size != (SEAL_TEXT - 1) / 2)
		return -ELIBACC;
	for (unsigned int i = 0; i < size; i++)
		snprintf(out + 2 * (size_t)i, 3, "%02x", sum[i]);
	return 0;
}
