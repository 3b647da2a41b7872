#include "cmd/reserves_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapter/new_file.h"
#include "cmd/file_bytes.h"

static const char PUBLIC_NAME[] = "snapshot.json";
static const char PRIVATE_NAME[] = "private";

static enum status path_of(const char *folder, const char *name, char text[RESERVES_PATH_SIZE_MAX],
                           struct error *out_error)
{
    int len = snprintf(text, RESERVES_PATH_SIZE_MAX, "%s/%s", folder, name);
    if (len > 0 && len < RESERVES_PATH_SIZE_MAX) return STATUS_OK;
    return error_set(out_error, STATUS_INVALID, "the folder's path is too long");
}

enum status reserves_private_path(const char *folder, char text[RESERVES_PATH_SIZE_MAX],
                                  struct error *out_error)
{
    return path_of(folder, PRIVATE_NAME, text, out_error);
}

/* ---- Making ---- */

enum status reserves_folder_make(const char *folder, struct error *out_error)
{
    if (mkdir(folder, 0700) == 0) return STATUS_OK;
    int error = errno;
    enum status status = error == EEXIST ? STATUS_CONFLICT : status_of_errno(error);
    (void)error_set(out_error, status, "cannot make the folder '%s'", folder); /* as returned */
    error_detail(out_error, "%s", strerror(error));
    if (status == STATUS_CONFLICT) error_hint(out_error, "each snapshot has a folder of its own");
    return status;
}

void reserves_folder_remove(const char *folder)
{
    char path[RESERVES_PATH_SIZE_MAX];
    if (path_of(folder, PUBLIC_NAME, path, NULL) == STATUS_OK) (void)unlink(path);
    if (path_of(folder, PRIVATE_NAME, path, NULL) == STATUS_OK) (void)unlink(path);
    (void)rmdir(folder); /* what cannot be removed is seen: it is in the way of the next attempt */
}

enum status reserves_files_write(const char *folder, const struct reserves_book *book,
                                 struct str snapshot, struct error *out_error)
{
    char path[RESERVES_PATH_SIZE_MAX];
    const struct str bytes = { (const char *)book->memory, book->size };
    enum status status = path_of(folder, PRIVATE_NAME, path, out_error);
    if (status == STATUS_OK) status = new_file_write(path, bytes, 0600, out_error);
    if (status == STATUS_OK) status = path_of(folder, PUBLIC_NAME, path, out_error);
    if (status == STATUS_OK) status = new_file_write(path, snapshot, 0644, out_error);
    return status;
}

/* ---- Reading ---- */

enum status reserves_public_read(const char *path, struct buf *out_text, struct error *out_error)
{
    struct stat info;
    char inside[RESERVES_PATH_SIZE_MAX];
    enum status status = STATUS_OK;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        status = path_of(path, PUBLIC_NAME, inside, out_error);
        path = inside;
    }
    if (status == STATUS_OK) status = file_bytes_read(path, out_text, out_error);
    if (status != STATUS_OK) return status;
    if (out_text->len > 0 && out_text->data[out_text->len - 1] == '\n') out_text->len--;
    return STATUS_OK;
}

static enum status bytes_read(int file, size_t size, struct reserves_book *book)
{
    while (book->size < size) {
        ssize_t got = read(file, book->memory + book->size, size - book->size);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return STATUS_UNAVAILABLE;
        book->size += (size_t)got;
    }
    return STATUS_OK;
}

static enum status file_look(int file, const char *path, size_t *out_size, struct error *out_error)
{
    struct stat info;
    if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
        return error_set(out_error, STATUS_INVALID, "'%s' is no file", path);
    }
    if ((info.st_mode & 077) != 0) {
        enum status status = error_set(out_error, STATUS_DENIED, "others may read '%s'", path);
        error_hint(out_error, "it holds every customer's balance: chmod 600 %s", path);
        return status;
    }
    if ((uint64_t)info.st_size > reserves_book_size(UINT64_C(1) << SUM_HEIGHT_MAX)) {
        return error_set(out_error, STATUS_LIMIT, "'%s' is too large for a private part", path);
    }
    *out_size = (size_t)info.st_size;
    return STATUS_OK;
}

enum status reserves_private_read(const char *path, struct reserves_book *out_book,
                                  struct error *out_error)
{
    *out_book = (struct reserves_book){ 0 };
    size_t size = 0;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        enum status status =
            error_set(out_error, errno == EACCES ? STATUS_DENIED : STATUS_NOT_FOUND,
                      "cannot open '%s'", path);
        error_detail(out_error, "the private part stays with who made the snapshot");
        return status;
    }
    enum status status = file_look(file, path, &size, out_error);
    if (status == STATUS_OK) status = reserves_book_new(size, out_book, out_error);
    if (status == STATUS_OK && bytes_read(file, size, out_book) != STATUS_OK) {
        status = error_set(out_error, STATUS_UNAVAILABLE, "cannot read '%s'", path);
    }
    (void)close(file); /* only read */
    return status == STATUS_OK ? reserves_book_open(out_book, out_error) : status;
}
