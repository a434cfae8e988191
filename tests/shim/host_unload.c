/*
 * A host that loads its TLS library for itself alone, unloads it and loads it again, as servers do
 * with their modules: what was known of the place where it lay must not be called.
 *
 * usage: host_unload LIBRARY
 */
#include "host.h"

#include <dlfcn.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/types.h>

#define TIMES 40 /* more than there are entries */
#define PAGE 4096u
#define PAGES 8u

ssize_t gnutls_record_recv(void *session, void *to, size_t bytes);
#pragma weak gnutls_record_recv

/* Not called by name: a program of its own would be bound to what is there at its start. */
static void *load(const char *name, uint8_t **place)
{
	void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	Dl_info info;

	HOST_CHECK(library);
	HOST_CHECK(dladdr(dlsym(library, "gnutls_record_recv"), &info));
	*place = info.dli_fbase;
	return library;
}

/* The next one is loaded somewhere else: nothing may lie where the last one did. */
static void unload(void *library, uint8_t *place)
{
	errno = ENOTTY;
	HOST_CHECK(!dlclose(library));
	HOST_CHECK(errno == ENOTTY);
	for (uint32_t i = 0; i < PAGES; i++)
		mmap(place + i * PAGE, PAGE, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
}

int main(int argc, char **argv)
{
	uint8_t *place, *last = NULL;
	void *library;

	host_segment_wanted();
	HOST_CHECK(argc > 1 && gnutls_record_recv);
	for (size_t i = 1; i <= TIMES; i++) {
		library = load(argv[1], &place);
		HOST_CHECK(place != last);
		HOST_CHECK(gnutls_record_recv(NULL, NULL, i) == (ssize_t)i);
		HOST_CHECK(gnutls_record_recv(NULL, NULL, i + 1) == (ssize_t)i + 1);
		unload(library, place);
		last = place;
	}
	HOST_CHECK(gnutls_record_recv(NULL, NULL, 1) == -1); /* there is none */
	return 0;
}
