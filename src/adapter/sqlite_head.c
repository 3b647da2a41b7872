#include "adapter/sqlite_head.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/check.h"

enum {
    SLOT_COUNT = 3,
    SLOT_STRIDE = 4096,
    SLOT_MAGIC = 0x48575054, /* "TPWH" in the file */
    SLOT_VERSION = 1,
};

struct slot {
    uint32_t magic;
    uint32_t version;
    uint64_t counter; /* rises with every write */
    struct store_head head;
    uint8_t reserved[48]; /* zero */
    uint64_t check;       /* XXH3-64 of all before */
};
_Static_assert(sizeof(struct slot) == 128, "stored as it is");
_Static_assert(SLOT_COUNT *SLOT_STRIDE == SQLITE_HEAD_SIZE, "as the header says");

static uint64_t slot_check(const struct slot *slot)
{
    return XXH3_64bits(slot, offsetof(struct slot, check));
}

static bool slot_is_good(const struct slot *slot)
{
    return slot->magic == SLOT_MAGIC && slot->version == SLOT_VERSION &&
           slot->check == slot_check(slot);
}

static enum status head_failure(struct error *out_error, const char *path, const char *what,
                                int code)
{
    (void)error_set(out_error, STATUS_UNAVAILABLE, "%s: cannot %s the head file", path, what);
    error_detail(out_error, "%s (SQLite code %d)", sqlite3_errstr(code), code);
    error_hint(out_error, "check the disk and the folder's permissions");
    return STATUS_UNAVAILABLE;
}

static enum status head_damaged(struct error *out_error, const char *path, const char *how)
{
    (void)error_set(out_error, STATUS_CORRUPT, "%s: the head file is %s", path, how);
    error_detail(out_error, "it tells whether the journal lost its end; without it nobody knows");
    error_hint(out_error, "restore from a backup");
    return STATUS_CORRUPT;
}

static enum status file_open(const char *path, const char *vfs_name, int access_flag,
                             sqlite3_file **out_file, struct error *out_error)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(vfs_name);
    CHECK(vfs != NULL);
    sqlite3_file *file = calloc(1, (size_t)vfs->szOsFile);
    CHECK(file != NULL);
    int code = vfs->xOpen(vfs, path, file, access_flag | SQLITE_OPEN_SUPER_JOURNAL, NULL);
    if (code != SQLITE_OK) {
        if (file->pMethods != NULL) (void)file->pMethods->xClose(file); /* it never opened */
        free(file);
        return head_failure(out_error, path, "open", code);
    }
    *out_file = file;
    return STATUS_OK;
}

static void file_close(sqlite3_file *file)
{
    if (file == NULL) return;
    (void)file->pMethods->xClose(file); /* what matters was synced before */
    free(file);
}

static int slot_write(sqlite3_file *file, uint32_t index, uint64_t counter,
                      const struct store_head *head)
{
    struct slot slot = { .magic = SLOT_MAGIC, .version = SLOT_VERSION, .counter = counter };
    slot.head = *head;
    slot.check = slot_check(&slot);
    return file->pMethods->xWrite(file, &slot, sizeof slot, (sqlite3_int64)index * SLOT_STRIDE);
}

static int sync_file(sqlite3_file *file)
{
    return file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
}

enum status sqlite_head_create(const char *path, const char *vfs, struct error *out_error)
{
    int made = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (made < 0) return head_failure(out_error, path, "make", SQLITE_CANTOPEN);
    (void)close(made); /* nothing was written */
    sqlite3_file *file = NULL;
    enum status status = file_open(path, vfs, SQLITE_OPEN_READWRITE, &file, out_error);
    if (status != STATUS_OK) return status;
    static const uint8_t zeros[SQLITE_HEAD_SIZE];
    static const struct store_head empty;
    int code = file->pMethods->xWrite(file, zeros, sizeof zeros, 0);
    for (uint32_t i = 0; code == SQLITE_OK && i < SLOT_COUNT; i++) {
        code = slot_write(file, i, i + 1, &empty);
    }
    if (code == SQLITE_OK) code = sync_file(file);
    file_close(file);
    return code == SQLITE_OK ? STATUS_OK : head_failure(out_error, path, "write", code);
}

/* The newest good slot, or SLOT_COUNT when none is. */
static uint32_t newest_slot(const uint8_t *bytes, struct slot *out_slot)
{
    uint32_t newest = SLOT_COUNT;
    for (uint32_t i = 0; i < SLOT_COUNT; i++) {
        struct slot slot;
        memcpy(&slot, bytes + (size_t)i * SLOT_STRIDE, sizeof slot);
        if (!slot_is_good(&slot)) continue;
        if (newest != SLOT_COUNT && slot.counter < out_slot->counter) continue;
        newest = i;
        *out_slot = slot;
    }
    return newest;
}

static enum status slot_read(sqlite3_file *file, const char *path, uint32_t *out_index,
                             struct slot *out_slot, struct error *out_error)
{
    uint8_t bytes[SQLITE_HEAD_SIZE];
    int code = file->pMethods->xRead(file, bytes, sizeof bytes, 0);
    if (code == SQLITE_IOERR_SHORT_READ) return head_damaged(out_error, path, "too short");
    if (code != SQLITE_OK) return head_failure(out_error, path, "read", code);
    struct slot slot = { 0 };
    uint32_t newest = newest_slot(bytes, &slot);
    if (newest == SLOT_COUNT) return head_damaged(out_error, path, "damaged");
    *out_index = newest;
    *out_slot = slot;
    return STATUS_OK;
}

enum status sqlite_head_read(const char *path, const char *vfs, struct store_head *out_head,
                             struct error *out_error)
{
    if (access(path, F_OK) != 0) return head_damaged(out_error, path, "missing");
    sqlite3_file *file = NULL;
    enum status status = file_open(path, vfs, SQLITE_OPEN_READONLY, &file, out_error);
    if (status != STATUS_OK) return status;
    struct slot slot = { 0 };
    uint32_t index = 0;
    status = slot_read(file, path, &index, &slot, out_error);
    file_close(file);
    if (status == STATUS_OK) *out_head = slot.head;
    return status;
}

enum status sqlite_head_open(struct sqlite_head *head, const char *path, const char *vfs,
                             struct error *out_error)
{
    *head = (struct sqlite_head){ 0 };
    if (access(path, F_OK) != 0) return head_damaged(out_error, path, "missing");
    sqlite3_file *file = NULL;
    enum status status = file_open(path, vfs, SQLITE_OPEN_READWRITE, &file, out_error);
    if (status != STATUS_OK) return status;
    struct slot slot = { 0 };
    uint32_t newest = 0;
    status = slot_read(file, path, &newest, &slot, out_error);
    if (status != STATUS_OK) {
        file_close(file);
        return status;
    }
    int failed = pthread_mutex_init(&head->mutex, NULL);
    CHECK(failed == 0);
    head->file = file;
    head->counter = slot.counter;
    head->head = slot.head;
    /* Read, not known to be synced: so it is synced before the others are written. */
    head->synced = (newest + 1) % SLOT_COUNT;
    head->target = newest;
    head->unsynced = true;
    status = sqlite_head_sync(head);
    if (status == STATUS_OK) return STATUS_OK;
    sqlite_head_close(head);
    return head_failure(out_error, path, "sync", SQLITE_IOERR_FSYNC);
}

void sqlite_head_close(struct sqlite_head *head)
{
    if (head->file == NULL) return;
    file_close(head->file);
    (void)pthread_mutex_destroy(&head->mutex); /* nobody is inside */
    *head = (struct sqlite_head){ 0 };
}

enum status sqlite_head_write(struct sqlite_head *head, const struct store_head *value)
{
    (void)pthread_mutex_lock(&head->mutex);
    int code = slot_write(head->file, head->target, head->counter + 1, value);
    head->counter++; /* after a failure too: a part of it may stand there */
    head->head = *value;
    head->unsynced = true;
    (void)pthread_mutex_unlock(&head->mutex);
    return code == SQLITE_OK ? STATUS_OK : STATUS_UNAVAILABLE;
}

enum status sqlite_head_sync(struct sqlite_head *head)
{
    (void)pthread_mutex_lock(&head->mutex);
    bool needed = head->unsynced;
    uint32_t syncing = head->target;
    if (needed) {
        head->target = SLOT_COUNT - head->synced - syncing;
        head->unsynced = false;
    }
    (void)pthread_mutex_unlock(&head->mutex);
    if (!needed) return STATUS_OK;

    int code = sync_file(head->file);
    (void)pthread_mutex_lock(&head->mutex);
    if (code == SQLITE_OK) {
        head->synced = syncing;
    } else {
        head->unsynced = true; /* the slot that was safe before still is */
        head->target = syncing;
    }
    (void)pthread_mutex_unlock(&head->mutex);
    return code == SQLITE_OK ? STATUS_OK : STATUS_UNAVAILABLE;
}
