/*
 * hook_io - the calls that move bytes.
 *
 * Threads:  any.
 * Memory:   none.
 * Errors:   result and errno are the real function's; nothing is called after it that changes them.
 * Cost:     a few loads for a descriptor that is no connection of a server.
 */
#include "dialogue.h"
#include "emit.h"
#include "fdtable.h"
#include "guard.h"
#include "home.h"
#include "hooks.h"
#include "hot.h"
#include "mem.h"
#include "real.h"
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <unistd.h>

#pragma weak __errno_location

#define IO_NOT_COUNTED (MSG_PEEK | MSG_ERRQUEUE | MSG_OOB)
#define IO_INLINE static inline __attribute__((always_inline))

ssize_t __read_chk(int fd, void *to, size_t bytes, size_t room);
ssize_t __recv_chk(int fd, void *to, size_t bytes, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *to, size_t bytes, size_t room, int flags,
		       struct sockaddr *from, socklen_t *length);

/* noinline: the frame that holds a guard is one of ours, below the host's. */
static HOT_IN(all)
	__attribute__((noinline)) void io_move(int fd, uint64_t word, enum connection_way way,
					       const struct iovec *iov, size_t bytes)
{
	struct connection *c;

	if (!guard_enter())
		return;
	c = word < FDTABLE_IGNORED ? fdtable_found(fd) : fdtable_connection(fd, word);
	if (c && !connection_move(c, way, iov, bytes))
		fdtable_set(fd, FDTABLE_IGNORED);
	guard_leave();
}

/* result: not above 0. In line: as a rule nothing is there yet. */
IO_INLINE bool io_is_gone(ssize_t result)
{
	int error = result < 0 && __errno_location ? errno : 0;

	return result == 0 || error == ECONNRESET || error == EPIPE;
}

static HOT_IN(all) __attribute__((noinline)) void io_gone(int fd, uint64_t word, ssize_t result)
{
	struct connection *c;

	if (!guard_enter())
		return;
	c = fdtable_connection(fd, word);
	if (c)
		connection_gone(c, result < 0);
	guard_leave();
}

IO_INLINE bool io_is_quiet(uint64_t word, enum connection_way way)
{
	return atomic_load_explicit(&fdtable_peek(word)->quiet[way], memory_order_relaxed);
}

static inline bool io_is_beginning(const uint8_t *bytes, size_t n)
{
	return http1_is_request(bytes, n) || hello_begins(bytes, n);
}

/* Did the host ask for bytes, so that 0 is the end of the file? */
static RARE bool io_has_room(const struct iovec *iov, size_t count)
{
	while (count && !iov->iov_len) {
		iov++;
		count--;
	}
	return count != 0;
}

/* wanted: it did. */
IO_INLINE void io_read(int fd, const struct iovec *iov, ssize_t result, bool wanted)
{
	uint64_t word = fdtable_word(fd);

	if (word == FDTABLE_IGNORED)
		return;
	if (word < FDTABLE_IGNORED) {
		if (result > 0 && iov &&
		    io_is_beginning(iov->iov_base,
				    (size_t)result < iov->iov_len ? (size_t)result : iov->iov_len))
			io_move(fd, word, CONNECTION_READ, iov, (size_t)result);
		return;
	}
	if (result > 0) {
		if (!io_is_quiet(word, CONNECTION_READ))
			io_move(fd, word, CONNECTION_READ, iov, (size_t)result);
	} else if (wanted && io_is_gone(result)) {
		io_gone(fd, word, result);
	}
}

static bool io_begins_answer(const struct iovec *iov, size_t bytes)
{
	static const char version[] = "HTTP/1.";
	size_t done = 0;

	for (; bytes && done < sizeof(version) - 1; iov++) {
		size_t n = iov->iov_len < bytes ? iov->iov_len : bytes;

		bytes -= n;
		if (n > sizeof(version) - 1 - done)
			n = sizeof(version) - 1 - done;
		if (memcmp(iov->iov_base, version + done, n) != 0)
			return false;
		done += n;
	}
	return done == sizeof(version) - 1;
}

/* Asked once, and only about what looks like an answer. A sandbox is not asked. */
static bool io_is_socket(int fd)
{
	socklen_t length = sizeof(int);
	int type;

	return atomic_load_explicit(&home.frozen, memory_order_relaxed) ||
	       !sys_call(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &length);
}

/* An answer to a request that another process read: whatever it was, it is not known here. */
static RARE void io_answer_foreign(int fd, const struct iovec *iov, ssize_t result)
{
	if (result <= 0 || !iov || !io_begins_answer(iov, (size_t)result) || !guard_enter())
		return;
	if (io_is_socket(fd))
		emit_unparsed(RS_UNPARSED_MID_STREAM);
	fdtable_forget(fd); /* what is asked for from now on is read here */
	guard_leave();
}

IO_INLINE void io_write(int fd, const struct iovec *iov, ssize_t result)
{
	uint64_t word = fdtable_word(fd);

	if (word <= FDTABLE_IGNORED) {
		if (__builtin_expect(word == FDTABLE_FOREIGN, 0))
			io_answer_foreign(fd, iov, result);
		return;
	}
	if (result > 0) {
		if (!io_is_quiet(word, CONNECTION_WRITE))
			io_move(fd, word, CONNECTION_WRITE, iov, (size_t)result);
	} else if (result < 0 && io_is_gone(result)) {
		io_gone(fd, word, result);
	}
}

IO_INLINE void io_read_one(int fd, void *to, size_t bytes, ssize_t result)
{
	struct iovec one = { .iov_base = to, .iov_len = bytes };

	io_read(fd, &one, result, bytes > 0);
}

/* With MSG_TRUNC a stream's bytes are thrown away: to is not written. */
IO_INLINE void io_received(int fd, void *to, size_t bytes, int flags, ssize_t result)
{
	struct iovec one = { .iov_base = to, .iov_len = bytes };

	if (!(flags & IO_NOT_COUNTED))
		io_read(fd, flags & MSG_TRUNC ? NULL : &one, result, bytes > 0);
}

IO_INLINE void io_write_one(int fd, const void *from, size_t bytes, ssize_t result)
{
	struct iovec one = { .iov_base = (void *)(uintptr_t)from, .iov_len = bytes };

	io_write(fd, &one, result);
}

/* The kernel's work is long enough to fetch what is looked at behind it. */
IO_INLINE void io_expect(int fd)
{
	uint64_t word = fdtable_word(fd);

	if (word <= FDTABLE_IGNORED)
		return;
	__builtin_prefetch(&control);
	emit_expect();
	connection_expect(connection_peek(word));
	if (__builtin_expect(here.dialogue != NULL, 0))
		dialogue_expect();
}

EXPORT HOT_IN(all)
ssize_t read(int fd, void *to, size_t bytes)
{
	ssize_t result;

	io_expect(fd);
	result = real.read(fd, to, bytes);

	io_read_one(fd, to, bytes, result);
	return result;
}

EXPORT ssize_t __read_chk(int fd, void *to, size_t bytes, size_t room)
{
	ssize_t result = real.__read_chk(fd, to, bytes, room);

	io_read_one(fd, to, bytes, result);
	return result;
}

EXPORT ssize_t readv(int fd, const struct iovec *iov, int count)
{
	ssize_t result = real.readv(fd, iov, count);

	io_read(fd, iov, result, result || io_has_room(iov, (size_t)count));
	return result;
}

/* At offset -1 these are readv and writev, for sockets too; at any other a socket refuses. */
EXPORT ssize_t preadv2(int fd, const struct iovec *iov, int count, off_t at, int flags)
{
	ssize_t result = real.preadv2(fd, iov, count, at, flags);

	if (at == -1)
		io_read(fd, iov, result, result || io_has_room(iov, (size_t)count));
	return result;
}

EXPORT ssize_t preadv64v2(int fd, const struct iovec *iov, int count, off64_t at, int flags)
{
	ssize_t result = real.preadv64v2(fd, iov, count, at, flags);

	if (at == -1)
		io_read(fd, iov, result, result || io_has_room(iov, (size_t)count));
	return result;
}

EXPORT HOT_IN(all)
ssize_t recv(int fd, void *to, size_t bytes, int flags)
{
	ssize_t result;

	io_expect(fd);
	result = real.recv(fd, to, bytes, flags);
	io_received(fd, to, bytes, flags, result);
	return result;
}

EXPORT ssize_t __recv_chk(int fd, void *to, size_t bytes, size_t room, int flags)
{
	ssize_t result = real.__recv_chk(fd, to, bytes, room, flags);

	io_received(fd, to, bytes, flags, result);
	return result;
}

EXPORT HOT_IN(all)
ssize_t recvfrom(int fd, void *restrict to, size_t bytes, int flags, struct sockaddr *restrict from,
		 socklen_t *restrict length)
{
	ssize_t result;

	io_expect(fd);
	result = real.recvfrom(fd, to, bytes, flags, from, length);
	io_received(fd, to, bytes, flags, result);
	return result;
}

EXPORT ssize_t __recvfrom_chk(int fd, void *to, size_t bytes, size_t room, int flags,
			      struct sockaddr *from, socklen_t *length)
{
	ssize_t result = real.__recvfrom_chk(fd, to, bytes, room, flags, from, length);

	io_received(fd, to, bytes, flags, result);
	return result;
}

/* Received descriptors: whatever we knew of these numbers is of the past. */
static RARE void io_descriptors(struct msghdr *message)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(message);

	if (!guard_enter())
		return;
	for (; c && c->cmsg_len >= CMSG_LEN(0); c = CMSG_NXTHDR(message, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		const int *fds = (const int *)(const void *)CMSG_DATA(c);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++)
			fdtable_set(fds[i], FDTABLE_FOREIGN);
	}
	guard_leave();
}

/* The message of a call that failed may be nowhere: it is not looked at. */
IO_INLINE void io_message_read(int fd, struct msghdr *message, int flags, ssize_t result)
{
	if (result < 0) {
		if (!(flags & IO_NOT_COUNTED))
			io_read(fd, NULL, result, true);
		return;
	}
	if (message->msg_control && message->msg_controllen)
		io_descriptors(message);
	if (!(flags & IO_NOT_COUNTED))
		io_read(fd, flags & MSG_TRUNC ? NULL : message->msg_iov, result,
			result || io_has_room(message->msg_iov, message->msg_iovlen));
}

EXPORT ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	ssize_t result = real.recvmsg(fd, message, flags);

	io_message_read(fd, message, flags, result);
	return result;
}

EXPORT int recvmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags,
		    struct timespec *timeout)
{
	int result = real.recvmmsg(fd, messages, count, flags, timeout);

	for (int i = 0; i < result; i++)
		io_message_read(fd, &messages[i].msg_hdr, flags, messages[i].msg_len);
	return result;
}

EXPORT HOT_IN(all)
ssize_t write(int fd, const void *from, size_t bytes)
{
	ssize_t result = real.write(fd, from, bytes);

	io_write_one(fd, from, bytes, result);
	return result;
}

EXPORT HOT_IN(all)
ssize_t writev(int fd, const struct iovec *iov, int count)
{
	ssize_t result = real.writev(fd, iov, count);

	io_write(fd, iov, result);
	return result;
}

EXPORT ssize_t pwritev2(int fd, const struct iovec *iov, int count, off_t at, int flags)
{
	ssize_t result = real.pwritev2(fd, iov, count, at, flags);

	if (at == -1)
		io_write(fd, iov, result);
	return result;
}

EXPORT ssize_t pwritev64v2(int fd, const struct iovec *iov, int count, off64_t at, int flags)
{
	ssize_t result = real.pwritev64v2(fd, iov, count, at, flags);

	if (at == -1)
		io_write(fd, iov, result);
	return result;
}

EXPORT HOT_IN(all)
ssize_t send(int fd, const void *from, size_t bytes, int flags)
{
	ssize_t result = real.send(fd, from, bytes, flags);

	if (!(flags & MSG_OOB))
		io_write_one(fd, from, bytes, result);
	return result;
}

EXPORT ssize_t sendto(int fd, const void *from, size_t bytes, int flags, const struct sockaddr *to,
		      socklen_t length)
{
	ssize_t result = real.sendto(fd, from, bytes, flags, to, length);

	if (!(flags & MSG_OOB))
		io_write_one(fd, from, bytes, result);
	return result;
}

EXPORT HOT_IN(all)
ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	ssize_t result = real.sendmsg(fd, message, flags);

	if (!(flags & MSG_OOB))
		io_write(fd, result < 0 ? NULL : message->msg_iov, result);
	return result;
}

EXPORT int sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags)
{
	int result = real.sendmmsg(fd, messages, count, flags);

	for (int i = 0; i < result && !(flags & MSG_OOB); i++)
		io_write(fd, messages[i].msg_hdr.msg_iov, messages[i].msg_len);
	return result;
}

EXPORT HOT_IN(all)
ssize_t sendfile(int to, int from, off_t *offset, size_t bytes)
{
	ssize_t result = real.sendfile(to, from, offset, bytes);

	io_write(to, NULL, result);
	return result;
}

EXPORT HOT_IN(all)
ssize_t sendfile64(int to, int from, off64_t *offset, size_t bytes)
{
	ssize_t result = real.sendfile64(to, from, offset, bytes);

	io_write(to, NULL, result);
	return result;
}

EXPORT ssize_t splice(int from, off64_t *from_at, int to, off64_t *to_at, size_t bytes,
		      unsigned int flags)
{
	ssize_t result = real.splice(from, from_at, to, to_at, bytes, flags);

	if (result >= 0)
		io_read(from, NULL, result, bytes > 0);
	if (result != 0)
		io_write(to, NULL, result);
	return result;
}
