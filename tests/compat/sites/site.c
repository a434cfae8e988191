/*
 * site - the site of the suite for libmicrohttpd, whose TLS is that of GnuTLS.
 */
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char site_certificate[16384];

static enum MHD_Result site_send(struct MHD_Connection *connection, unsigned int status,
				 struct MHD_Response *answer)
{
	enum MHD_Result result;

	MHD_add_response_header(answer, "Content-Type", "text/plain");
	result = MHD_queue_response(connection, status, answer);
	MHD_destroy_response(answer);
	return result;
}

static enum MHD_Result site_say(struct MHD_Connection *connection, unsigned int status,
				const char *text)
{
	return site_send(connection, status,
			 MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text,
							 MHD_RESPMEM_MUST_COPY));
}

static ssize_t site_chunk(void *context, uint64_t at, char *to, size_t room)
{
	(void)context;
	if (at >= 6)
		return MHD_CONTENT_READER_END_OF_STREAM;
	to[0] = "abcdef"[at];
	return room ? 1 : 0;
}

static enum MHD_Result site_file(struct MHD_Connection *connection, const char *url)
{
	struct stat stat;
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s%s", getenv("SITE_WWW"), url);
	fd = strstr(url, "..") ? -1 : open(path, O_RDONLY);
	if (fd < 0 || fstat(fd, &stat))
		return site_say(connection, 404, "none\n");
	return site_send(connection, 200, MHD_create_response_from_fd((size_t)stat.st_size, fd));
}

static enum MHD_Result site_answer(void *context, struct MHD_Connection *connection,
				   const char *url, const char *method, const char *version,
				   const char *data, size_t *bytes, void **state)
{
	size_t *got = *state;
	char text[32];

	(void)context;
	(void)version;
	(void)data;
	if (!got) {
		*state = calloc(1, sizeof(*got));
		return *state ? MHD_YES : MHD_NO;
	}
	*got += *bytes;
	if (*bytes) {
		*bytes = 0;
		return MHD_YES;
	}
	snprintf(text, sizeof(text), "got %zu", *got);
	if (!strcmp(method, "POST"))
		return site_say(connection, 200, text);
	if (!strcmp(url, "/chunk"))
		return site_send(connection, 200,
				 MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1024,
								   site_chunk, NULL, NULL));
	return site_file(connection, url);
}

static void site_done(void *context, struct MHD_Connection *connection, void **state,
		      enum MHD_RequestTerminationCode how)
{
	(void)context;
	(void)connection;
	(void)how;
	free(*state);
}

static int site_read(const char *path)
{
	FILE *file = path ? fopen(path, "r") : NULL;
	size_t bytes = file ? fread(site_certificate, 1, sizeof(site_certificate) - 1, file) : 0;

	if (file)
		fclose(file);
	return bytes > 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)atoi(argv[argc - 1])),
				       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct MHD_Daemon *daemon;
	sigset_t set;
	int signal;

	if (!site_read(getenv("SITE_CERTIFICATE")))
		return 1;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	daemon = MHD_start_daemon(
		MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_TLS, 0, NULL, NULL, site_answer, NULL,
		MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_HTTPS_MEM_KEY, site_certificate,
		MHD_OPTION_HTTPS_MEM_CERT, site_certificate, MHD_OPTION_THREAD_POOL_SIZE, 2U,
		MHD_OPTION_NOTIFY_COMPLETED, site_done, NULL, MHD_OPTION_END);
	if (!daemon)
		return 1;
	sigwait(&set, &signal);
	MHD_stop_daemon(daemon);
	return 0;
}
