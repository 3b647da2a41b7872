#include "cmd/lane_copies.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "adapter/data_folder.h"
#include "base/buf.h"
#include "cmd/file_bytes.h"
#include "cmd/lane_set.h"

enum { FOLDER_PATH_SIZE = 4096 };

/* The folder of lanes, in which each has its own. */
static enum status lanes_folder_make(const char *target, struct error *out_error)
{
    BUF_SCOPE struct buf path;
    buf_init(&path, FOLDER_PATH_SIZE);
    buf_append_format(&path, "%s/lanes", target);
    if (mkdir(buf_terminated(&path), 0700) == 0 || errno == EEXIST) return STATUS_OK;
    (void)error_set(out_error, STATUS_UNAVAILABLE, "cannot make the folder of the other lanes");
    error_detail(out_error, "%s: %s", buf_terminated(&path), strerror(errno));
    error_hint(out_error, "lane 0 is copied: look at the disk, and repeat the command; it goes on");
    return STATUS_UNAVAILABLE;
}

enum status lane_copies_make(const struct lane_copies *copies, struct error *out_error)
{
    const struct backup_options *all = &copies->options;
    uint32_t lanes = 1;
    enum status status = data_folder_count_lanes(all->source, &lanes, out_error);
    for (uint32_t lane = 0; lane < lanes && status == STATUS_OK; lane++) {
        char source[FOLDER_PATH_SIZE], target[FOLDER_PATH_SIZE];
        struct journal_copy_result result = { 0 };
        struct backup_options one = *all;
        one.source = source;
        one.target = target;
        status = data_folder_lane_path(all->source, lane, source, sizeof source, out_error);
        if (status == STATUS_OK)
            status = data_folder_lane_path(all->target, lane, target, sizeof target, out_error);
        if (status == STATUS_OK && lane == 1) status = lanes_folder_make(all->target, out_error);
        if (status == STATUS_OK) status = copies->copy(&one, &result, out_error);
        if (status == STATUS_OK && !copies->copied(copies->context, &one, &result))
            status = error_set(out_error, STATUS_STOPPED, "the copying was stopped");
    }
    return status;
}

/* Two ledgers would go on from one past, under one id. */
static enum status moved_refuse(const char *folder, struct error *out_error)
{
    BUF_SCOPE struct buf path;
    BUF_SCOPE struct buf url;
    buf_init(&path, FOLDER_PATH_SIZE);
    buf_init(&url, FOLDER_PATH_SIZE);
    buf_append_format(&path, "%s/%s", folder, DATA_FOLDER_MOVED);
    struct stat stat;
    if (lstat(buf_terminated(&path), &stat) != 0 && errno == ENOENT) return STATUS_OK;
    enum status status = file_bytes_read(buf_terminated(&path), &url, out_error);
    if (status != STATUS_OK) return status;
    (void)error_set(out_error, STATUS_CONFLICT, "the ledger in '%s' has moved, and goes on there",
                    folder);
    error_detail(out_error, "its journal is in %s", buf_terminated(&url));
    error_hint(out_error,
               "when nothing counts that was done there, and it is not served any more: "
               "remove %s, and give the same command again",
               buf_terminated(&path));
    return STATUS_CONFLICT;
}

enum status lane_copies_accept(const char *folder, bool *out_changed, struct error *out_error)
{
    uint32_t lanes = 0;
    enum status status = lane_set_count(folder, &lanes, out_error);
    if (status == STATUS_OK) status = moved_refuse(folder, out_error);
    *out_changed = false;
    for (uint32_t lane = lanes; status == STATUS_OK && lane > 0; lane--) {
        char path[FOLDER_PATH_SIZE];
        bool changed = false;
        status = data_folder_lane_path(folder, lane - 1, path, sizeof path, out_error);
        if (status == STATUS_OK) status = backup_accept(path, &changed, out_error);
        *out_changed = *out_changed || changed;
    }
    return status;
}
