#include "../../agent/profile/image.c"
#include "elf_fixture.h"
#include "tls_fixture.h"

static struct image image;
static struct elf_fixture e;

static int open_now(void)
{
	int fd = elf_memfd(&e, e.length), result;

	memset(&image, 0xaa, sizeof(image));
	result = image_open(&image, fd);
	close(fd);
	return result;
}

static void heads_that_do_not_fit_are_refused(void **state)
{
	Elf64_Ehdr head;

	(void)state;
	elf_python(&e);
	assert_int_equal(open_now(), 0);
#define WITH(field, value)                                                                         \
	do {                                                                                       \
		elf_python(&e);                                                                    \
		memcpy(&head, e.bytes, sizeof(head));                                              \
		head.field = value;                                                                \
		memcpy(e.bytes, &head, sizeof(head));                                              \
		assert_int_equal(open_now(), -ENOEXEC);                                            \
	} while (0)
	WITH(e_ident[EI_CLASS], ELFCLASS32);
	WITH(e_ident[EI_DATA], ELFDATA2MSB);
	WITH(e_ident[0], 'x');
	WITH(e_machine, EM_RISCV);
	WITH(e_shentsize, 40);
	WITH(e_phentsize, 32);
	WITH(e_shnum, IMAGE_SECTIONS + 1);
	WITH(e_phnum, IMAGE_SEGMENTS + 1);
	WITH(e_shstrndx, 6);
	WITH(e_shoff, UINT64_MAX - 10);
	WITH(e_phoff, 1ull << 40);
}

static void what_cannot_be_read_is_an_error(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(image_open(&image, ends[0]), -ESPIPE);
	close(ends[0]);
	close(ends[1]);
}

/* Two pieces overlap by more than a name: the one that a piece cuts is whole in the next. */
static void a_name_that_a_piece_cuts_is_found_once(void **state)
{
	static const struct image_name name = { "_ZN2v88internal4Heap14CollectGarbageE", true, 0 };
	static char names[2 * IMAGE_ROOM];
	const size_t length = strlen(name.text);
	Elf64_Shdr table = { .sh_size = sizeof(names) };

	(void)state;
	image.fd = memfd_create("names", MFD_CLOEXEC);
	assert_int_equal(ftruncate(image.fd, sizeof(names)), 0);
	for (size_t back = 0; back < 2 * (size_t)IMAGE_NAME; back += 13) {
		struct image_search s = { .file = &image };
		off_t at = (off_t)(IMAGE_ROOM - back);

		assert_int_equal(pwrite(image.fd, name.text, length, at), length);
		image_names(&s, &table, &name);
		assert_int_equal(s.hit_count, 1);
		assert_int_equal(s.hits[0].at, at);
		memset(names, 0, length);
		assert_int_equal(pwrite(image.fd, names, length, at), length);
	}
	close(image.fd);
}

static void look(void *ctx, const struct image_name *name, uint64_t offset, uint64_t size)
{
	uint64_t *places = ctx;

	(void)size;
	places[name->kind] = offset;
}

static void functions_are_looked_up_by_name(void **state)
{
	static const struct image_name names[] = { { "place_of", false, 0 },
						   { "nobody_is_called_so", false, 1 },
						   { "image_look_up", false, 2 } };
	uint64_t places[3] = { 0 };
	int fd = self_open();

	(void)state;
	assert_int_equal(image_open(&image, fd), 0);
	assert_int_equal(image_look_up(&image, names, 3, look, places), 0);
	assert_int_equal(places[0], place_of((uintptr_t)place_of));
	assert_int_equal(places[1], 0);
	assert_int_equal(places[2], place_of((uintptr_t)image_look_up));
	assert_int_equal(image_look_up(&image, names + 1, 1, look, places), -ENODATA);
	close(fd);
}

/* As linkers do it: OPENSSL_free and SSL_free, both functions of one library. */
static void a_name_may_be_the_end_of_another(void **state)
{
	static const struct image_name name = { "SSL_free", false, 0 };
	uint64_t place = 0;
	int fd;

	(void)state;
	elf_init(&e);
	elf_function(&e, "OPENSSL_free", 8);
	elf_function(&e, "_", 24);
	e.symbols[2].st_name = e.symbols[1].st_name + 4;
	elf_finish(&e);
	fd = elf_memfd(&e, e.length);
	assert_int_equal(image_open(&image, fd), 0);
	assert_int_equal(image_look_up(&image, &name, 1, look, &place), 0);
	assert_int_equal(place, ELF_CODE + 24);
	close(fd);
}

static void what_is_not_executed_is_no_function(void **state)
{
	static const struct image_name name = { "SSL_free", false, 0 };
	uint64_t place = 0;
	int fd;

	(void)state;
	elf_init(&e);
	elf_function(&e, "SSL_free", 8);
	e.symbols[1].st_value = ELF_DATA_AT + 8;
	elf_finish(&e);
	fd = elf_memfd(&e, e.length);
	assert_int_equal(image_open(&image, fd), 0);
	assert_int_equal(image_look_up(&image, &name, 1, look, &place), -ENODATA);
	assert_int_equal(image_offset(&image, ELF_DATA_AT + 8, PF_W), ELF_DATA + 8);
	assert_int_equal(place, 0);
	close(fd);
}

/* Where it stands is then not known, and a file without sections has no names of them. */
static void what_the_file_ends_before_is_in_no_place(void **state)
{
	static const struct image_name name = { "SSL_free", false, 0 };
	uint64_t place = 0;
	Elf64_Ehdr head;
	int fd;

	(void)state;
	elf_init(&e);
	elf_function(&e, "SSL_free", 8);
	elf_finish(&e);
	fd = elf_memfd(&e, e.length);
	assert_int_equal(image_open(&image, fd), 0);
	for (uint32_t i = 0; i < image.segment_count; i++)
		image.segments[i].p_offset = 0x7fffffffffff;
	assert_int_equal(image_look_up(&image, &name, 1, look, &place), -ENODATA);
	for (uint32_t i = 0; i < image.segment_count; i++)
		image.segments[i].p_offset = UINT64_MAX - 4;
	assert_int_equal(image_look_up(&image, &name, 1, look, &place), -ENODATA);
	assert_int_equal(place, 0);
	close(fd);

	memcpy(&head, e.bytes, sizeof(head));
	head.e_shnum = 0;
	head.e_shstrndx = UINT16_MAX;
	memcpy(e.bytes, &head, sizeof(head));
	fd = elf_memfd(&e, e.length);
	assert_int_equal(image_open(&image, fd), 0);
	assert_null(image_section(&image, ".text"));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heads_that_do_not_fit_are_refused),
		cmocka_unit_test(what_cannot_be_read_is_an_error),
		cmocka_unit_test(a_name_that_a_piece_cuts_is_found_once),
		cmocka_unit_test(functions_are_looked_up_by_name),
		cmocka_unit_test(a_name_may_be_the_end_of_another),
		cmocka_unit_test(what_is_not_executed_is_no_function),
		cmocka_unit_test(what_the_file_ends_before_is_in_no_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
