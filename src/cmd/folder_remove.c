#define _GNU_SOURCE /* nftw() */
#include "cmd/folder_remove.h"

#include <ftw.h>
#include <stdio.h>

enum { FOLDERS_OPEN = 16 };

static int entry_remove(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;  /* whatever it is */
    (void)kind;  /* the same */
    (void)place; /* the same */
    return remove(path);
}

void folder_remove(const char *path)
{
    (void)nftw(path, entry_remove, FOLDERS_OPEN, FTW_DEPTH | FTW_PHYS); /* as the header says */
}
