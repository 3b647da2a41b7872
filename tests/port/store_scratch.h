/* store_scratch.h - folders and journals for the store's tests. */
#ifndef TESTS_PORT_STORE_SCRATCH_H
#define TESTS_PORT_STORE_SCRATCH_H

#include <stddef.h>
#include <stdint.h>

#include "port/store.h"

enum { SCRATCH_PATH_SIZE = 512 };

/* "$TMPDIR/name", not made. */
void scratch_path(const char *name, char out_path[SCRATCH_PATH_SIZE]);
/* An empty folder of that name, whatever stood there before. */
void scratch_folder(const char *name, char out_path[SCRATCH_PATH_SIZE]);
void scratch_remove(const char *path);
/* All files of a folder, one level deep, into an empty one; -shm and lock left out. */
void scratch_copy(const char *from, const char *to);
/* "folder/name" */
void scratch_join(const char *folder, const char *name, char out_path[SCRATCH_PATH_SIZE]);
uint64_t scratch_file_size(const char *path);

/*
 * A batch with a real header, chained to the one before, whose other bytes follow from the
 * sequence. Returns its hash. data holds at least `size` bytes, size at least 128.
 */
struct digest scratch_batch(uint64_t sequence, const struct digest *previous, uint8_t *data,
                            size_t size);
/* The size that the tests give batch `sequence`: 128 to about 40,000 bytes. */
size_t scratch_batch_size(uint64_t sequence);

/*
 * Appends batches (head, head + count] with a slice now and then, acked by OK; returns how many
 * were. Stops at the first that is not, with its status.
 */
uint64_t scratch_append(struct store *store, uint64_t count, enum status *out_status,
                        struct error *out_error);
/*
 * Reads everything: every batch against scratch_batch(), the chain, the stamps, the slices.
 * STATUS_OK; the status of the call that failed; STATUS_INVALID: content that is wrong and was
 * given out as right.
 */
enum status scratch_verify(struct store *store, struct error *out_error) MUST_CHECK;

#endif
