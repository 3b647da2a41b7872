#define _GNU_SOURCE /* syncfs */
#include "adapter/file_log_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "adapter/file_error.h"
#include "adapter/tile_pack.h"
#include "base/check.h"

enum {
    HEAD_MAGIC = 0x4C485054, /* "TPHL" in the file */
    HEAD_VERSION = 1,
};

struct head_file {
    uint32_t magic;
    uint32_t version;
    struct log_head head;
    uint64_t reserved[3];
    uint64_t check; /* XXH3-64 of all before */
};
_Static_assert(sizeof(struct head_file) == 128, "stored as it is");

struct file_log_store {
    struct log_store port; /* first */
    int folder;            /* the data folder */
    int log;               /* its log/; -1: there is none */
    struct tile_pack pack; /* whole tiles; the others are files of their own in log/ */
};

struct name {
    char text[LOG_STORE_NAME_LEN_MAX + 1];
};

static struct name name_of(struct str name)
{
    struct name copy;
    CHECK(name.len > 0 && name.len <= LOG_STORE_NAME_LEN_MAX);
    memcpy(copy.text, name.data, name.len);
    copy.text[name.len] = 0;
    return copy;
}

static enum status file_fill(int folder, const char *name, struct str bytes, bool sync,
                             struct error *out_error)
{
    int file = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) return file_error("the log", "make", name, out_error);
    size_t done = 0;
    bool good = true;
    while (good && done < bytes.len) {
        ssize_t wrote = write(file, bytes.data + done, bytes.len - done);
        good = wrote > 0 || (wrote < 0 && errno == EINTR);
        if (wrote > 0) done += (size_t)wrote;
    }
    if (good && sync) good = fsync(file) == 0;
    enum status status = good ? STATUS_OK : file_error("the log", "write", name, out_error);
    if (close(file) != 0 && status == STATUS_OK)
        status = file_error("the log", "close", name, out_error);
    return status;
}

static enum status file_read(int folder, const char *name, struct buf *out_bytes,
                             struct error *out_error)
{
    int file = folder < 0 ? -1 : openat(folder, name, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        if (folder < 0 || errno == ENOENT || errno == ENOTDIR) return STATUS_NOT_FOUND;
        return file_error("the log", "open", name, out_error);
    }
    uint8_t block[16 << 10];
    ssize_t got;
    buf_reset(out_bytes);
    while ((got = read(file, block, sizeof block)) != 0) {
        if (got > 0) buf_append(out_bytes, block, (size_t)got);
        if (out_bytes->overflow || (got < 0 && errno != EINTR)) break;
    }
    enum status status = STATUS_OK;
    if (out_bytes->overflow) {
        status = error_set(out_error, STATUS_LIMIT, "the log: %s is too large", name);
    } else if (got < 0) {
        status = file_error("the log", "read", name, out_error);
    }
    (void)close(file); /* only read */
    return status;
}

static bool whole_tile(struct str name, struct tile *out_tile)
{
    return tile_parse(name, out_tile) == STATUS_OK && out_tile->width == TILE_WIDTH;
}

static enum status store_read(struct log_store *port, struct str name, struct buf *out_bytes,
                              struct error *out_error)
{
    struct file_log_store *store = (struct file_log_store *)port;
    struct tile tile;
    if (whole_tile(name, &tile)) return tile_pack_read(&store->pack, &tile, out_bytes, out_error);
    struct name file = name_of(name);
    return file_read(store->log, file.text, out_bytes, out_error);
}

static void folders_make(int log, struct name name)
{
    for (char *at = name.text; *at != 0; at++) {
        if (*at != '/') continue;
        *at = 0;
        (void)mkdirat(log, name.text, 0700); /* what is missing then is said by the rename */
        *at = '/';
    }
}

static enum status store_write(struct log_store *port, struct str name, struct str bytes,
                               struct error *out_error)
{
    struct file_log_store *store = (struct file_log_store *)port;
    struct tile tile;
    if (whole_tile(name, &tile)) return tile_pack_write(&store->pack, &tile, bytes, out_error);
    int log = store->log;
    struct name file = name_of(name);
    enum status status = file_fill(log, "new", bytes, false, out_error);
    if (status != STATUS_OK || renameat(log, "new", log, file.text) == 0) return status;
    if (errno == ENOENT) {
        folders_make(log, file);
        if (renameat(log, "new", log, file.text) == 0) return STATUS_OK;
    }
    return file_error("the log", "put into place", file.text, out_error);
}

static enum status store_remove(struct log_store *port, struct str name, struct error *out_error)
{
    struct tile tile;
    CHECK(!whole_tile(name, &tile));
    struct name file = name_of(name);
    int log = ((struct file_log_store *)port)->log;
    if (unlinkat(log, file.text, 0) != 0 && errno != ENOENT && errno != ENOTDIR) {
        return file_error("the log", "remove", file.text, out_error);
    }
    char *slash = strrchr(file.text, '/'); /* "000.p/7": the last one takes its folder along */
    if (slash == NULL) return STATUS_OK;
    *slash = 0;
    (void)unlinkat(log, file.text, AT_REMOVEDIR); /* refused while anything is in it */
    return STATUS_OK;
}

static enum status store_sync(struct log_store *port, struct error *out_error)
{
    if (syncfs(((struct file_log_store *)port)->log) == 0) return STATUS_OK;
    return file_error("the log", "sync", "the tiles", out_error);
}

static enum status store_head_read(struct log_store *port, struct log_head *out_head,
                                   struct error *out_error)
{
    struct head_file file;
    BUF_SCOPE struct buf bytes;
    buf_init(&bytes, 2 * sizeof file);
    int folder = ((struct file_log_store *)port)->folder;
    enum status status = file_read(folder, "log.head", &bytes, out_error);
    if (status != STATUS_OK && status != STATUS_LIMIT) return status;
    bool good = status == STATUS_OK && bytes.len == sizeof file;
    if (good) {
        memcpy(&file, bytes.data, sizeof file);
        good = file.magic == HEAD_MAGIC && file.version == HEAD_VERSION &&
               file.check == XXH3_64bits(&file, offsetof(struct head_file, check));
    }
    if (!good) {
        status = error_set(out_error, STATUS_CORRUPT, "log.head is damaged");
        error_hint(out_error, "it says what was signed last: take it from the newest copy");
        return status;
    }
    *out_head = file.head;
    return STATUS_OK;
}

static enum status store_head_write(struct log_store *port, const struct log_head *head,
                                    struct error *out_error)
{
    struct file_log_store *store = (struct file_log_store *)port;
    struct head_file file;
    memset(&file, 0, sizeof file);
    file.magic = HEAD_MAGIC;
    file.version = HEAD_VERSION;
    file.head = *head;
    file.check = XXH3_64bits(&file, offsetof(struct head_file, check));
    const struct str bytes = { (const char *)&file, sizeof file };
    enum status status = file_fill(store->folder, "log.head.new", bytes, true, out_error);
    if (status != STATUS_OK) return status;
    if (renameat(store->folder, "log.head.new", store->folder, "log.head") != 0) {
        return file_error("the log", "put into place", "log.head", out_error);
    }
    return fsync(store->folder) == 0 ? STATUS_OK
                                     : file_error("the log", "sync", "log.head", out_error);
}

static void store_close(struct log_store *port)
{
    if (port == NULL) return;
    struct file_log_store *store = (struct file_log_store *)port;
    tile_pack_close(&store->pack);
    if (store->log >= 0) (void)close(store->log); /* synced when it mattered */
    if (store->folder >= 0) (void)close(store->folder);
    free(store);
}

enum status file_log_store_open(const char *folder, bool read_only, struct log_store **out_store,
                                struct error *out_error)
{
    struct file_log_store *store = calloc(1, sizeof *store);
    CHECK(store != NULL);
    *store = (struct file_log_store){ .port = { .read = store_read,
                                                .write = store_write,
                                                .remove = store_remove,
                                                .sync = store_sync,
                                                .head_read = store_head_read,
                                                .head_write = store_head_write,
                                                .close = store_close },
                                      .log = -1 };
    memset(&store->pack, -1, sizeof store->pack); /* no file */
    store->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum status status = STATUS_OK;
    if (store->folder < 0) status = file_error("the log", "open", folder, out_error);
    if (status == STATUS_OK && !read_only && mkdirat(store->folder, "log", 0700) != 0 &&
        errno != EEXIST) {
        status = file_error("the log", "make", "log/", out_error);
    }
    if (status == STATUS_OK) {
        store->log = openat(store->folder, "log", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        bool absent = store->log < 0 && errno == ENOENT && read_only;
        if (store->log < 0 && !absent) status = file_error("the log", "open", "log/", out_error);
    }
    if (status == STATUS_OK && store->log >= 0) {
        status = tile_pack_open(store->log, read_only, &store->pack, out_error);
    }
    if (status != STATUS_OK) {
        store_close(&store->port);
        return status;
    }
    *out_store = &store->port;
    return STATUS_OK;
}
