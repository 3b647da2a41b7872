/* bundle_file.h - files reached through a bundle's folder: no link in it leads elsewhere. */
#ifndef CMD_BUNDLE_FILE_H
#define CMD_BUNDLE_FILE_H

#include "base/buf.h"
#include "base/error.h"
#include "crypto/digest.h"

/*
 * folder is the open folder of a bundle; names are "NAME" or "FOLDER/NAME". Neither part is followed
 * when it is a link: errno is then ELOOP, or ENOTDIR of a folder, and EINVAL of what is no plain
 * file. Where -1 or false comes back, errno says why.
 */

/* A plain file, to be read; nothing waits for a pipe's other end. */
int bundle_file_open(int folder, const char *name);

/* Of all of an open file, which then stands at its begin. */
bool bundle_file_digest(int file, struct digest *out_digest);

/* Takes the place of whatever is called `to`. */
bool bundle_file_rename(int folder, const char *from, const char *to);

/* All of the bytes at its end, durably, or none of them; it is made when there is none. */
bool bundle_file_append(int folder, const char *name, struct str bytes);

/* Durably as long as that. */
bool bundle_file_cut(int folder, const char *name, size_t size);

/* Whether each of the folders that is there is one: what is written in them stays inside. */
bool bundle_folders_are_plain(int folder, const char *const *names, const char **out_other);

#endif
