/* reserves_files.h - a snapshot of reserves as files: DIR/snapshot.json for all, DIR/private. */
#ifndef CMD_RESERVES_FILES_H
#define CMD_RESERVES_FILES_H

#include "base/buf.h"
#include "wallet/reserves_book.h"
#include "wallet/reserves_snapshot.h"

enum { RESERVES_PATH_SIZE_MAX = 4096 };

/* A new folder, 0700. STATUS_CONFLICT: it is there. STATUS_DENIED, STATUS_UNAVAILABLE. */
enum status reserves_folder_make(const char *folder, struct error *out_error) MUST_CHECK;
/* What an attempt that failed has made in it, and the folder itself. */
void reserves_folder_remove(const char *folder);

/* Both files, the private one 0600 and first. As new_file_write(). */
enum status reserves_files_write(const char *folder, const struct reserves_book *book,
                                 struct str snapshot, struct error *out_error) MUST_CHECK;

/*
 * Appends folder/snapshot.json, or the file itself when path is none of a folder; without the
 * newline that may be at its end. As file_bytes_read().
 */
enum status reserves_public_read(const char *path, struct buf *out_text, struct error *out_error)
    MUST_CHECK;

/*
 * A private part, opened (reserves_book.h); closed by the caller also after a failure.
 * STATUS_NOT_FOUND; STATUS_DENIED: others may read it; STATUS_INVALID; STATUS_LIMIT.
 */
enum status reserves_private_read(const char *path, struct reserves_book *out_book,
                                  struct error *out_error) MUST_CHECK;

/* "folder/private" in text. STATUS_INVALID: it is too long. */
enum status reserves_private_path(const char *folder, char text[RESERVES_PATH_SIZE_MAX],
                                  struct error *out_error) MUST_CHECK;

#endif
