/* hashed_file.h - a new file of any size, hashed and written by a thread beside whoever fills it. */
#ifndef ADAPTER_HASHED_FILE_H
#define ADAPTER_HASHED_FILE_H

#include "base/buf.h"
#include "base/error.h"
#include "crypto/digest.h"

struct sync;

/*
 * Its maker goes on while what it handed over is hashed and written: one lump at a time, which
 * changes places with the buffer that the next one is made in. The thread starts with the first
 * lump that is handed over. The members are the file's own.
 */
struct hashed_file {
    const char *path;
    bool open;
    int descriptor;
    uint64_t size; /* of what was handed over */
    struct digest_stream digest;
    struct monitor *monitor; /* NULL: no thread yet */
    struct task *task;
    struct buf held; /* by the thread while it is full, else by the maker */
    bool full;
    bool ended;
    int failed; /* errno of the first write that failed; 0: none */
};

/*
 * A file that must not be there yet, for its owner alone; path outlives it. STATUS_DENIED,
 * STATUS_LIMIT, STATUS_UNAVAILABLE.
 */
enum status hashed_file_open(const char *path, struct hashed_file *out_file,
                             struct error *out_error) MUST_CHECK;

/*
 * Takes over what stands in bytes, which is then empty and may have other memory. As
 * hashed_file_open(): an earlier lump could not be written.
 */
enum status hashed_file_give(struct hashed_file *file, struct buf *bytes, struct error *out_error)
    MUST_CHECK;

/*
 * The rest, and all of it on the disk. The file is closed, whatever comes back; whoever made it
 * removes one that is not whole.
 */
enum status hashed_file_finish(struct hashed_file *file, struct buf *rest,
                               struct digest *out_digest, struct error *out_error) MUST_CHECK;
/* Closes one that is given up. Accepts a zeroed one, and one that is closed. */
void hashed_file_abandon(struct hashed_file *file);

#endif
