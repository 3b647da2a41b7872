/*
 * Goal: hold the stores against a disk that loses what was not synced.
 * Method: a VFS that records writes per file and, on request, produces a folder as a disk could
 * hold it, or fails a chosen call.
 */
#include "tests/port/fault_vfs.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/prng.h"

enum { FILES_MAX = 16, SECTOR = 512, PATH_MAX_SIZE = 4096, KINDS = 5 };

/* A write of `size` bytes at `offset`, or, without data, a truncation to `offset`. */
struct change {
    uint64_t offset;
    uint64_t size;
    uint8_t *data;
};

struct image {
    uint8_t *data;
    uint64_t size;
};

struct tracked {
    char path[PATH_MAX_SIZE];
    struct image synced;
    struct change *changes;
    uint64_t change_count;
    uint64_t change_room;
    uint64_t errors;   /* failed syncs: each handle open at the time is told once, as by Linux */
    bool entry_synced; /* the file's name is on the disk */
    bool deleted;
    bool gone; /* and that is on the disk */
};

struct fault {
    uint64_t countdown; /* 0: none */
    uint64_t more;
};

struct fault_vfs {
    sqlite3_vfs vfs; /* first */
    sqlite3_vfs *real;
    pthread_mutex_t mutex;
    struct tracked files[FILES_MAX];
    uint32_t file_count;
    uint64_t operations;
    uint64_t failures;
    struct fault faults[KINDS];
    struct fault_cut cut;
};

struct fault_file {
    sqlite3_file base; /* first */
    struct fault_vfs *owner;
    struct tracked *tracked;
    sqlite3_file *real;
    uint64_t errors_told;
};

/* ---- what a disk holds ---- */

static void image_resize(struct image *image, uint64_t size)
{
    uint8_t *data = realloc(image->data, size + 1);
    CHECK(data != NULL);
    if (size > image->size) memset(data + image->size, 0, size - image->size);
    image->data = data;
    image->size = size;
}

static void image_write(struct image *image, uint64_t offset, const uint8_t *data, uint64_t size)
{
    if (offset + size > image->size) image_resize(image, offset + size);
    memcpy(image->data + offset, data, size);
}

static void changes_drop(struct tracked *file)
{
    for (uint64_t i = 0; i < file->change_count; i++) free(file->changes[i].data);
    file->change_count = 0;
}

static void changes_sync(struct tracked *file)
{
    for (uint64_t i = 0; i < file->change_count; i++) {
        struct change *change = &file->changes[i];
        if (change->data == NULL) {
            image_resize(&file->synced, change->offset);
        } else {
            image_write(&file->synced, change->offset, change->data, change->size);
        }
    }
    changes_drop(file);
}

static void change_add(struct tracked *file, uint64_t offset, const void *data, uint64_t size)
{
    if (file->change_count == file->change_room) {
        file->change_room = file->change_room * 2 + 64;
        file->changes = realloc(file->changes, file->change_room * sizeof *file->changes);
        CHECK(file->changes != NULL);
    }
    struct change *change = &file->changes[file->change_count++];
    *change = (struct change){ .offset = offset, .size = size };
    if (data == NULL) return;
    change->data = malloc(size + 1);
    CHECK(change->data != NULL);
    memcpy(change->data, data, size);
}

/* Each sector of the write by chance: the disk wrote it before the power went, or not. */
static void change_tear(struct image *image, const struct change *change, struct prng *prng,
                        uint64_t chances)
{
    uint64_t at = change->offset;
    const uint64_t end = change->offset + change->size;
    while (at < end) {
        uint64_t next = (at / SECTOR + 1) * SECTOR;
        if (next > end) next = end;
        if (prng_chance(prng, chances, 8)) {
            image_write(image, at, change->data + (at - change->offset), next - at);
        }
        at = next;
    }
}

static void image_save(const struct image *image, const char *path)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK(file >= 0);
    ssize_t written = write(file, image->data, image->size);
    CHECK(written == (ssize_t)image->size);
    (void)close(file);
}

static void file_cut(const struct tracked *file, const char *to, struct prng *prng)
{
    static const uint8_t moods[] = { 0, 1, 4, 7, 8 }; /* of 8: how much had reached the disk */
    uint64_t chances = moods[prng_below(prng, sizeof moods)];
    if (file->gone || (!file->entry_synced && prng_chance(prng, 1, 2))) return;
    if (file->deleted && prng_chance(prng, 1, 2)) return;
    struct image image = { 0 };
    image_resize(&image, file->synced.size);
    if (file->synced.size > 0) memcpy(image.data, file->synced.data, file->synced.size);
    for (uint64_t i = 0; i < file->change_count; i++) {
        const struct change *change = &file->changes[i];
        if (change->data != NULL) {
            change_tear(&image, change, prng, chances);
        } else if (prng_chance(prng, chances, 8)) {
            image_resize(&image, change->offset);
        }
    }
    char path[PATH_MAX_SIZE];
    const char *name = strrchr(file->path, '/');
    int length = snprintf(path, sizeof path, "%s%s", to, name == NULL ? file->path : name);
    CHECK(length > 0 && length < PATH_MAX_SIZE);
    image_save(&image, path);
    free(image.data);
}

static void cut_now(struct fault_vfs *vfs, const struct fault_cut *cut)
{
    struct prng prng;
    prng_init(&prng, cut->seed);
    for (uint32_t i = 0; i < vfs->file_count; i++) file_cut(&vfs->files[i], cut->to, &prng);
    if (cut->on_cut != NULL) cut->on_cut(cut->owner);
}

/* Before each operation on a disk. The mutex is held. */
static void operation(struct fault_vfs *vfs)
{
    vfs->operations++;
    if (vfs->cut.at != vfs->operations) return;
    cut_now(vfs, &vfs->cut);
}

/* The mutex is held. */
static bool strikes(struct fault_vfs *vfs, enum fault_kind kind)
{
    struct fault *fault = &vfs->faults[kind];
    if (fault->countdown == 0) return false;
    if (fault->countdown > 1) {
        fault->countdown--;
        return false;
    }
    if (fault->more > 0) {
        fault->more--;
    } else {
        fault->countdown = 0;
    }
    vfs->failures++;
    return true;
}

static void deletion_sync(struct tracked *file)
{
    if (!file->deleted) return;
    changes_drop(file);
    image_resize(&file->synced, 0);
    file->entry_synced = false;
    file->gone = true;
}

/* A new file's first sync syncs its folder too, and with it what was deleted before. */
static void file_is_synced(struct fault_vfs *vfs, struct tracked *file)
{
    changes_sync(file);
    if (file->entry_synced) return;
    file->entry_synced = true;
    for (uint32_t i = 0; i < vfs->file_count; i++) deletion_sync(&vfs->files[i]);
}

/* ---- files ---- */

static struct fault_file *of(sqlite3_file *file)
{
    return (struct fault_file *)file;
}

static int file_close(sqlite3_file *base)
{
    struct fault_file *file = of(base);
    int code = file->real->pMethods == NULL ? SQLITE_OK : file->real->pMethods->xClose(file->real);
    free(file->real);
    return code;
}

static int file_read(sqlite3_file *base, void *out_data, int size, sqlite3_int64 offset)
{
    struct fault_file *file = of(base);
    (void)pthread_mutex_lock(&file->owner->mutex);
    bool fails = strikes(file->owner, FAULT_READ_FAILS);
    (void)pthread_mutex_unlock(&file->owner->mutex);
    if (fails) return SQLITE_IOERR_READ;
    return file->real->pMethods->xRead(file->real, out_data, size, offset);
}

static int file_write(sqlite3_file *base, const void *data, int size, sqlite3_int64 offset)
{
    struct fault_file *file = of(base);
    struct fault_vfs *vfs = file->owner;
    int code = SQLITE_OK;
    (void)pthread_mutex_lock(&vfs->mutex);
    operation(vfs);
    if (strikes(vfs, FAULT_DISK_FULL)) {
        code = SQLITE_FULL;
    } else if (strikes(vfs, FAULT_WRITE_FAILS)) {
        code = SQLITE_IOERR_WRITE;
    } else {
        code = file->real->pMethods->xWrite(file->real, data, size, offset);
        CHECK(code == SQLITE_OK); /* the disk under the test works */
        change_add(file->tracked, (uint64_t)offset, data, (uint64_t)size);
    }
    (void)pthread_mutex_unlock(&vfs->mutex);
    return code;
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct fault_file *file = of(base);
    (void)pthread_mutex_lock(&file->owner->mutex);
    operation(file->owner);
    int code = file->real->pMethods->xTruncate(file->real, size);
    CHECK(code == SQLITE_OK);
    change_add(file->tracked, (uint64_t)size, NULL, 0);
    (void)pthread_mutex_unlock(&file->owner->mutex);
    return code;
}

static int file_sync(sqlite3_file *base, int flags)
{
    struct fault_file *file = of(base);
    (void)flags;
    int code = SQLITE_OK;
    (void)pthread_mutex_lock(&file->owner->mutex);
    operation(file->owner);
    const char *name = strrchr(file->tracked->path, '/');
    bool is_database = name != NULL && strcmp(name, "/journal.db") == 0;
    if (strikes(file->owner, FAULT_SYNC_FAILS) ||
        (is_database && strikes(file->owner, FAULT_DATABASE_SYNC_FAILS))) {
        changes_drop(file->tracked); /* marked clean by the kernel: no later sync writes them */
        file->tracked->errors++;
    }
    if (file->errors_told < file->tracked->errors) {
        file->errors_told = file->tracked->errors;
        code = SQLITE_IOERR_FSYNC;
    } else {
        file_is_synced(file->owner, file->tracked);
    }
    (void)pthread_mutex_unlock(&file->owner->mutex);
    return code;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *out_size)
{
    return of(base)->real->pMethods->xFileSize(of(base)->real, out_size);
}

static int file_lock(sqlite3_file *base, int level)
{
    return of(base)->real->pMethods->xLock(of(base)->real, level);
}

static int file_unlock(sqlite3_file *base, int level)
{
    return of(base)->real->pMethods->xUnlock(of(base)->real, level);
}

static int file_check_lock(sqlite3_file *base, int *out_held)
{
    return of(base)->real->pMethods->xCheckReservedLock(of(base)->real, out_held);
}

static int file_control(sqlite3_file *base, int operation_code, void *argument)
{
    return of(base)->real->pMethods->xFileControl(of(base)->real, operation_code, argument);
}

static int file_sector_size(sqlite3_file *base)
{
    return of(base)->real->pMethods->xSectorSize(of(base)->real);
}

static int file_characteristics(sqlite3_file *base)
{
    return of(base)->real->pMethods->xDeviceCharacteristics(of(base)->real);
}

static int file_shm_map(sqlite3_file *base, int page, int size, int extend,
                        void volatile **out_memory)
{
    return of(base)->real->pMethods->xShmMap(of(base)->real, page, size, extend, out_memory);
}

static int file_shm_lock(sqlite3_file *base, int offset, int count, int flags)
{
    return of(base)->real->pMethods->xShmLock(of(base)->real, offset, count, flags);
}

static void file_shm_barrier(sqlite3_file *base)
{
    of(base)->real->pMethods->xShmBarrier(of(base)->real);
}

static int file_shm_unmap(sqlite3_file *base, int remove_it)
{
    return of(base)->real->pMethods->xShmUnmap(of(base)->real, remove_it);
}

static const sqlite3_io_methods METHODS = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_lock,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

/* ---- the VFS ---- */

static struct fault_vfs *owner_of(sqlite3_vfs *vfs)
{
    return (struct fault_vfs *)vfs;
}

/* What stands in a file when it is first seen was synced by whoever made it. */
static void tracked_load(struct tracked *file)
{
    int source = open(file->path, O_RDONLY);
    if (source < 0) return;
    struct stat info;
    int failed = fstat(source, &info);
    CHECK(failed == 0);
    image_resize(&file->synced, (uint64_t)info.st_size);
    ssize_t got = read(source, file->synced.data, (size_t)info.st_size);
    CHECK(got == info.st_size);
    file->entry_synced = true;
    (void)close(source);
}

/* The mutex is held. */
static struct tracked *track(struct fault_vfs *vfs, const char *path)
{
    for (uint32_t i = 0; i < vfs->file_count; i++) {
        if (strcmp(vfs->files[i].path, path) != 0) continue;
        return &vfs->files[i];
    }
    CHECK(vfs->file_count < FILES_MAX);
    CHECK(strlen(path) < PATH_MAX_SIZE);
    struct tracked *file = &vfs->files[vfs->file_count++];
    memcpy(file->path, path, strlen(path) + 1);
    tracked_load(file);
    return file;
}

static int vfs_open(sqlite3_vfs *base, const char *path, sqlite3_file *out_file, int flags,
                    int *out_flags)
{
    struct fault_vfs *vfs = owner_of(base);
    struct fault_file *file = of(out_file);
    CHECK(path != NULL); /* temp_store is memory */
    *file = (struct fault_file){ .owner = vfs };
    file->real = calloc(1, (size_t)vfs->real->szOsFile);
    CHECK(file->real != NULL);
    (void)pthread_mutex_lock(&vfs->mutex);
    struct tracked *tracked = track(vfs, path); /* before it is made */
    if (tracked->deleted) {                     /* a new file under the old name */
        change_add(tracked, 0, NULL, 0);
        tracked->deleted = false;
        tracked->gone = false;
    }
    (void)pthread_mutex_unlock(&vfs->mutex);
    int code = vfs->real->xOpen(vfs->real, path, file->real, flags, out_flags);
    if (code != SQLITE_OK) {
        free(file->real);
        return code;
    }
    file->tracked = tracked;
    file->errors_told = tracked->errors;
    file->base.pMethods = &METHODS;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *base, const char *path, int sync_folder)
{
    struct fault_vfs *vfs = owner_of(base);
    (void)pthread_mutex_lock(&vfs->mutex);
    operation(vfs);
    struct tracked *file = track(vfs, path);
    file->deleted = true;
    int code = vfs->real->xDelete(vfs->real, path, 0);
    if (sync_folder) deletion_sync(file);
    (void)pthread_mutex_unlock(&vfs->mutex);
    return code;
}

static int vfs_access(sqlite3_vfs *base, const char *path, int flags, int *out_result)
{
    sqlite3_vfs *real = owner_of(base)->real;
    return real->xAccess(real, path, flags, out_result);
}

static int vfs_full_path(sqlite3_vfs *base, const char *path, int size, char *out_path)
{
    sqlite3_vfs *real = owner_of(base)->real;
    return real->xFullPathname(real, path, size, out_path);
}

static int vfs_randomness(sqlite3_vfs *base, int size, char *out_bytes)
{
    sqlite3_vfs *real = owner_of(base)->real;
    return real->xRandomness(real, size, out_bytes);
}

static int vfs_sleep(sqlite3_vfs *base, int microseconds)
{
    sqlite3_vfs *real = owner_of(base)->real;
    return real->xSleep(real, microseconds);
}

static int vfs_time(sqlite3_vfs *base, sqlite3_int64 *out_time)
{
    sqlite3_vfs *real = owner_of(base)->real;
    return real->xCurrentTimeInt64(real, out_time);
}

static int vfs_last_error(sqlite3_vfs *base, int size, char *out_text)
{
    sqlite3_vfs *real = owner_of(base)->real;
    return real->xGetLastError(real, size, out_text);
}

struct fault_vfs *fault_vfs_new(const char *name)
{
    struct fault_vfs *vfs = calloc(1, sizeof *vfs);
    CHECK(vfs != NULL);
    int failed = pthread_mutex_init(&vfs->mutex, NULL);
    CHECK(failed == 0);
    vfs->real = sqlite3_vfs_find(NULL);
    CHECK(vfs->real != NULL);
    vfs->vfs = (sqlite3_vfs){
        .iVersion = 2,
        .szOsFile = sizeof(struct fault_file),
        .mxPathname = vfs->real->mxPathname,
        .zName = name,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_path,
        .xRandomness = vfs_randomness,
        .xSleep = vfs_sleep,
        .xGetLastError = vfs_last_error,
        .xCurrentTimeInt64 = vfs_time,
    };
    int code = sqlite3_vfs_register(&vfs->vfs, 0);
    CHECK(code == SQLITE_OK);
    return vfs;
}

void fault_vfs_free(struct fault_vfs *vfs)
{
    if (vfs == NULL) return;
    int code = sqlite3_vfs_unregister(&vfs->vfs);
    CHECK(code == SQLITE_OK);
    for (uint32_t i = 0; i < vfs->file_count; i++) {
        changes_drop(&vfs->files[i]);
        free(vfs->files[i].changes);
        free(vfs->files[i].synced.data);
    }
    (void)pthread_mutex_destroy(&vfs->mutex);
    free(vfs);
}

const char *fault_vfs_name(const struct fault_vfs *vfs)
{
    return vfs->vfs.zName;
}

uint64_t fault_vfs_operations(struct fault_vfs *vfs)
{
    (void)pthread_mutex_lock(&vfs->mutex);
    uint64_t operations = vfs->operations;
    (void)pthread_mutex_unlock(&vfs->mutex);
    return operations;
}

void fault_vfs_cut_at(struct fault_vfs *vfs, const struct fault_cut *cut)
{
    (void)pthread_mutex_lock(&vfs->mutex);
    vfs->cut = *cut;
    (void)pthread_mutex_unlock(&vfs->mutex);
}

void fault_vfs_cut(struct fault_vfs *vfs, const struct fault_cut *cut)
{
    (void)pthread_mutex_lock(&vfs->mutex);
    cut_now(vfs, cut);
    (void)pthread_mutex_unlock(&vfs->mutex);
}

void fault_vfs_fail(struct fault_vfs *vfs, enum fault_kind kind, uint64_t count, uint64_t more)
{
    CHECK(count > 0);
    (void)pthread_mutex_lock(&vfs->mutex);
    vfs->faults[kind] = (struct fault){ .countdown = count, .more = more };
    (void)pthread_mutex_unlock(&vfs->mutex);
}

uint64_t fault_vfs_failures(struct fault_vfs *vfs)
{
    (void)pthread_mutex_lock(&vfs->mutex);
    uint64_t failures = vfs->failures;
    (void)pthread_mutex_unlock(&vfs->mutex);
    return failures;
}
