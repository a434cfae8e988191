/*
 * tree_fixture - a folder with files as /proc and /sys show them, removed at the end.
 */
#ifndef TREE_FIXTURE_H
#define TREE_FIXTURE_H

#include "rs_test.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct tree {
	char root[64];
};

static inline void tree_make(struct tree *tree)
{
	strcpy(tree->root, "/tmp/rs_tree_XXXXXX");
	assert_non_null(mkdtemp(tree->root));
}

/* path is absolute within the tree; its folders are made. */
static inline void tree_put(const struct tree *tree, const char *path, const char *text)
{
	char name[512];
	FILE *file;

	snprintf(name, sizeof(name), "%s%s", tree->root, path);
	for (char *slash = strchr(name + strlen(tree->root) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(name, 0755);
		*slash = '/';
	}
	file = fopen(name, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static inline int tree_forget(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	(void)stat;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void tree_remove(const struct tree *tree, const char *path)
{
	char name[512];

	snprintf(name, sizeof(name), "%s%s", tree->root, path);
	assert_int_equal(nftw(name, tree_forget, 16, FTW_DEPTH | FTW_PHYS), 0);
}

#endif
