#include "cmd/bundle_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STEP_SIZE = 256, PIECE_SIZE = 1 << 15 };

static void close_quietly(int file)
{
    int error = errno;
    (void)close(file); /* nothing is written that was not synced */
    errno = error;
}

/* The folder that it lies in, and *out_last what it is called there. */
static int parent_open(int folder, const char *name, const char **out_last)
{
    char step[STEP_SIZE];
    const char *slash = strchr(name, '/');
    *out_last = slash == NULL ? name : slash + 1;
    if (slash == NULL) return fcntl(folder, F_DUPFD_CLOEXEC, 0);
    size_t len = (size_t)(slash - name);
    if (len >= sizeof step || strchr(slash + 1, '/') != NULL) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(step, name, len);
    step[len] = '\0';
    return openat(folder, step, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int plain_open(int folder, const char *name, int flags)
{
    const char *last;
    struct stat info;
    int parent = parent_open(folder, name, &last);
    if (parent < 0) return -1;
    int file = openat(parent, last, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    close_quietly(parent);
    if (file < 0) return -1;
    bool known = fstat(file, &info) == 0;
    if (known && S_ISREG(info.st_mode)) return file;
    if (known) errno = EINVAL;
    close_quietly(file);
    return -1;
}

int bundle_file_open(int folder, const char *name)
{
    return plain_open(folder, name, O_RDONLY);
}

bool bundle_file_digest(int file, struct digest *out_digest)
{
    uint8_t piece[PIECE_SIZE];
    struct digest_stream stream;
    digest_stream_init(&stream);
    ssize_t size;
    while ((size = read(file, piece, sizeof piece)) > 0 || (size < 0 && errno == EINTR))
        if (size > 0) digest_stream_add(&stream, piece, (size_t)size);
    *out_digest = digest_stream_end(&stream);
    return size == 0 && lseek(file, 0, SEEK_SET) == 0;
}

bool bundle_file_rename(int folder, const char *from, const char *to)
{
    const char *from_last;
    const char *to_last;
    int from_parent = parent_open(folder, from, &from_last);
    if (from_parent < 0) return false;
    int to_parent = parent_open(folder, to, &to_last);
    bool good = to_parent >= 0 && renameat(from_parent, from_last, to_parent, to_last) == 0;
    if (to_parent >= 0) close_quietly(to_parent);
    close_quietly(from_parent);
    return good;
}

static bool all_write(int file, struct str bytes)
{
    while (bytes.len > 0) {
        ssize_t written = write(file, bytes.data, bytes.len);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        bytes = (struct str){ bytes.data + written, bytes.len - (size_t)written };
    }
    return true;
}

bool bundle_file_append(int folder, const char *name, struct str bytes)
{
    struct stat before;
    int file = plain_open(folder, name, O_WRONLY | O_APPEND | O_CREAT);
    if (file < 0) return false;
    bool good = fstat(file, &before) == 0;
    if (good) {
        good = all_write(file, bytes) && fsync(file) == 0;
        int error = errno;
        /* where that fails too, whoever opens the bundle next finds an entry without its end */
        if (!good && ftruncate(file, before.st_size) == 0) (void)fsync(file);
        errno = error;
    }
    close_quietly(file);
    return good;
}

bool bundle_file_cut(int folder, const char *name, size_t size)
{
    int file = plain_open(folder, name, O_WRONLY);
    if (file < 0) return false;
    bool good = ftruncate(file, (off_t)size) == 0 && fsync(file) == 0;
    close_quietly(file);
    return good;
}

bool bundle_folders_are_plain(int folder, const char *const *names, const char **out_other)
{
    for (; *names != NULL; names++) {
        struct stat info;
        if (fstatat(folder, *names, &info, AT_SYMLINK_NOFOLLOW) != 0 || S_ISDIR(info.st_mode))
            continue;
        *out_other = *names;
        errno = ENOTDIR;
        return false;
    }
    return true;
}
