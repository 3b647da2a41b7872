#include "adapter/data_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapter/ledger_id.h"
#include "adapter/sqlite_store.h"
#include "base/check.h"
#include "base/decimal.h"
#include "base/str.h"

static const struct str FORMAT_START = { "tpwallet data folder, format ", 29 };
enum { FORMAT_SIZE_MAX = 64, LOCK_SIZE_MAX = 32, STORE_SIZE_MAX = 2048, LANE_SIZE_MAX = 32 };

struct data_folder {
    char path[SQLITE_PATH_SIZE];
    char socket[SQLITE_PATH_SIZE];
    char store[STORE_SIZE_MAX]; /* "": none */
    struct uuid ledger;         /* nil: not known */
    uint32_t lane;
    uint32_t lanes;
    int lock_file;
    enum data_folder_role role;
    bool beside_owner;
};

static enum status system_error(const char *path, const char *what, struct error *out_error)
{
    int code = errno;
    enum status status = error_set(out_error, status_of_errno(code), "%s: cannot %s", path, what);
    error_detail(out_error, "%s", strerror(code));
    error_hint(out_error, status == STATUS_DENIED
                              ? "run as the folder's owner, and on a disk that can be written"
                              : "check the disk and the path");
    return status;
}

/* ---- making ---- */

static enum status folder_is_empty(const char *path, struct error *out_error)
{
    DIR *folder = opendir(path);
    if (folder == NULL && errno == ENOTDIR) {
        (void)error_set(out_error, STATUS_INVALID, "%s is a file, not a folder", path);
        error_detail(out_error, "a folder is made there, or an empty one taken");
        error_hint(out_error, "name a new folder; nothing was changed");
        return STATUS_INVALID;
    }
    if (folder == NULL) return system_error(path, "read the folder", out_error);
    enum status status = STATUS_OK;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        status = error_set(out_error, STATUS_CONFLICT, "%s is not empty", path);
        error_detail(out_error, "it holds %.100s", entry->d_name);
        error_hint(out_error, "name a new folder; nothing was changed");
        break;
    }
    (void)closedir(folder); /* only read */
    return status;
}

static enum status folder_make(const char *path, struct error *out_error)
{
    if (mkdir(path, 0700) == 0) return STATUS_OK;
    if (errno != EEXIST) return system_error(path, "make the folder", out_error);
    enum status status = folder_is_empty(path, out_error);
    if (status != STATUS_OK) return status;
    if (chmod(path, 0700) != 0) return system_error(path, "set its permissions", out_error);
    return STATUS_OK;
}

static enum status folder_sync(const char *path, struct error *out_error)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return system_error(path, "open the folder", out_error);
    enum status status = STATUS_OK;
    if (fsync(folder) != 0) status = system_error(path, "sync the folder", out_error);
    (void)close(folder); /* only synced */
    return status;
}

/* So that the folder itself is still there after a power cut. */
static enum status parent_sync(const char *path, struct error *out_error)
{
    char parent[SQLITE_PATH_SIZE];
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') length--;
    while (length > 0 && path[length - 1] != '/') length--;
    if (length == 0) return folder_sync(".", out_error);
    memcpy(parent, path, length);
    parent[length] = 0;
    return folder_sync(parent, out_error);
}

static enum status file_make(const char *path, const char *text, size_t size,
                             struct error *out_error)
{
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) return system_error(path, "make the file", out_error);
    enum status status = STATUS_OK;
    if (write(file, text, size) != (ssize_t)size || fsync(file) != 0) {
        status = system_error(path, "write the file", out_error);
    }
    (void)close(file); /* synced before */
    return status;
}

static enum status format_make(const char *folder, struct error *out_error)
{
    char path[SQLITE_PATH_SIZE];
    char text[FORMAT_SIZE_MAX];
    enum status status = sqlite_path(folder, "FORMAT", path, out_error);
    if (status != STATUS_OK) return status;
    int length = snprintf(text, sizeof text, "%.*s%d\n", STR_ARG(FORMAT_START), DATA_FOLDER_FORMAT);
    CHECK(length > 0 && (size_t)length < sizeof text);
    return file_make(path, text, (size_t)length, out_error);
}

static enum status journal_make(const char *path, struct uuid ledger, struct error *out_error)
{
    char archive[SQLITE_PATH_SIZE];
    enum status status = sqlite_path(path, "archive", archive, out_error);
    if (status == STATUS_OK && mkdir(archive, 0700) != 0)
        status = system_error(archive, "make the folder", out_error);
    if (status != STATUS_OK) return status;
    struct sqlite_store_options options = { .folder = path, .ledger = ledger };
    return sqlite_store_create(&options, out_error);
}

static enum status store_make(const char *folder, const char *url, struct error *out_error)
{
    char path[SQLITE_PATH_SIZE];
    char text[STORE_SIZE_MAX];
    enum status status = sqlite_path(folder, "store", path, out_error);
    if (status != STATUS_OK) return status;
    int length = snprintf(text, sizeof text, "%s\n", url);
    if (length <= 0 || (size_t)length >= sizeof text)
        return error_set(out_error, STATUS_INVALID, "the database's URL is too long");
    return file_make(path, text, (size_t)length, out_error);
}

static enum status lane_make(const char *folder, struct lane_part part, struct error *out_error)
{
    char path[SQLITE_PATH_SIZE];
    char text[LANE_SIZE_MAX];
    if (part.lanes == 1) return STATUS_OK;
    enum status status = sqlite_path(folder, "lane", path, out_error);
    if (status != STATUS_OK) return status;
    int length = snprintf(text, sizeof text, "%u of %u\n", part.lane, part.lanes);
    CHECK(length > 0 && (size_t)length < sizeof text);
    return file_make(path, text, (size_t)length, out_error);
}

/* One server has all lanes: the folder of each but lane 0 is lanes/N in its own. */
static enum status ledger_path(const char *folder, uint32_t lane, char out_path[SQLITE_PATH_SIZE],
                               struct error *out_error)
{
    return sqlite_path(folder, lane == 0 ? "ledger" : "../../ledger", out_path, out_error);
}

static enum status ledger_make(const char *folder, struct uuid ledger, uint32_t lane,
                               struct error *out_error)
{
    char path[SQLITE_PATH_SIZE];
    if (lane > 0 || uuid_is_nil(ledger)) return STATUS_OK;
    enum status status = ledger_path(folder, lane, path, out_error);
    return status == STATUS_OK ? ledger_id_write(path, ledger, out_error) : status;
}

enum status data_folder_create_lane(const char *path, const struct data_folder_ledger *ledger,
                                    struct lane_part part, struct error *out_error)
{
    char lock[SQLITE_PATH_SIZE];
    enum status status = sqlite_path(path, "lock", lock, out_error);
    if (status == STATUS_OK) status = folder_make(path, out_error);
    if (status == STATUS_OK) status = file_make(lock, "", 0, out_error);
    if (status == STATUS_OK) {
        status = ledger->store_url == NULL ? journal_make(path, ledger->id, out_error)
                                           : store_make(path, ledger->store_url, out_error);
    }
    if (status == STATUS_OK) status = ledger_make(path, ledger->id, part.lane, out_error);
    if (status == STATUS_OK) status = lane_make(path, part, out_error);
    if (status == STATUS_OK) status = folder_sync(path, out_error);
    if (status == STATUS_OK) status = format_make(path, out_error);
    if (status == STATUS_OK) status = folder_sync(path, out_error);
    if (status == STATUS_OK) status = parent_sync(path, out_error);
    return status;
}

enum status data_folder_create(const char *path, const struct data_folder_ledger *ledger,
                               struct error *out_error)
{
    return data_folder_create_lanes(path, ledger, 1, out_error);
}

enum status data_folder_lane_path(const char *path, uint32_t lane, char *out_path,
                                  size_t out_path_size, struct error *out_error)
{
    char inner[sizeof "/lanes/4294967295"] = "";
    if (lane > 0) {
        int tail = snprintf(inner, sizeof inner, "/lanes/%u", lane);
        CHECK(tail > 0 && (size_t)tail < sizeof inner);
    }
    int length = snprintf(out_path, out_path_size, "%s%s", path, inner);
    if (length > 0 && (size_t)length < out_path_size) return STATUS_OK;
    return error_set(out_error, STATUS_INVALID, "the folder's path is too long");
}

enum status data_folder_create_lanes(const char *path, const struct data_folder_ledger *ledger,
                                     uint32_t lanes, struct error *out_error)
{
    CHECK(lanes > 0 && lanes <= LANES_MAX);
    char inner[SQLITE_PATH_SIZE];
    struct data_folder_ledger own = { 0 };
    if (ledger != NULL) own = *ledger;
    if (ledger == NULL) own.id = ledger_id_draw();
    struct lane_part part = { .lane = 0, .lanes = lanes };
    enum status status = data_folder_create_lane(path, &own, part, out_error);
    if (status != STATUS_OK || lanes == 1) return status;
    status = sqlite_path(path, "lanes", inner, out_error);
    if (status == STATUS_OK && mkdir(inner, 0700) != 0)
        status = system_error(inner, "make the folder", out_error);
    for (uint32_t lane = 1; lane < lanes && status == STATUS_OK; lane++) {
        status = data_folder_lane_path(path, lane, inner, sizeof inner, out_error);
        part.lane = lane;
        if (status == STATUS_OK) status = data_folder_create_lane(inner, &own, part, out_error);
    }
    return status;
}

/* ---- opening ---- */

/* At most size - 1 bytes, terminated. */
static enum status file_read(const char *path, char *out_text, size_t size, struct error *out_error)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return system_error(path, "open the file", out_error);
    ssize_t got = read(file, out_text, size - 1);
    (void)close(file); /* only read */
    if (got < 0) return system_error(path, "read the file", out_error);
    out_text[got] = 0;
    return STATUS_OK;
}

static enum status not_a_data_folder(const char *path, const char *why, struct error *out_error)
{
    (void)error_set(out_error, STATUS_INVALID, "%s is not a data folder", path);
    error_detail(out_error, "%s", why);
    error_hint(out_error, "make one with `tpwallet init`");
    return STATUS_INVALID;
}

static enum status format_verify(const char *folder, const char *text, struct error *out_error)
{
    struct str line = str_from(text);
    uint32_t version = 0;
    size_t at = FORMAT_START.len;
    bool known = str_starts(line, FORMAT_START);
    for (; known && at < line.len && line.data[at] >= '0' && line.data[at] <= '9'; at++) {
        version = version * 10 + (uint32_t)(line.data[at] - '0');
        if (version > 1000000) known = false;
    }
    known = known && at > FORMAT_START.len && at + 1 == line.len && line.data[at] == '\n';
    if (!known || version == 0) {
        (void)error_set(out_error, STATUS_CORRUPT, "%s/FORMAT is damaged", folder);
        error_detail(out_error, "it should be one line: %.*sN", STR_ARG(FORMAT_START));
        error_hint(out_error, "restore from a backup");
        return STATUS_CORRUPT;
    }
    if (version == DATA_FOLDER_FORMAT) return STATUS_OK;
    (void)error_set(out_error, STATUS_INVALID, "%s has format %u; this program knows %d", folder,
                    version, DATA_FOLDER_FORMAT);
    error_hint(out_error, "use the tpwallet that made it, or a newer one");
    return STATUS_INVALID;
}

static enum status folder_verify(const char *path, struct error *out_error)
{
    char format[SQLITE_PATH_SIZE];
    char journal[SQLITE_PATH_SIZE];
    char text[FORMAT_SIZE_MAX];
    enum status status = sqlite_path(path, "FORMAT", format, out_error);
    if (status == STATUS_OK) status = sqlite_path(path, "journal.db", journal, out_error);
    if (status != STATUS_OK) return status;
    struct stat info;
    if (stat(path, &info) != 0) {
        if (errno != ENOENT) return system_error(path, "look at the folder", out_error);
        (void)error_set(out_error, STATUS_NOT_FOUND, "there is no folder %s", path);
        error_detail(out_error, "nothing is at this path");
        error_hint(out_error, "make one with `tpwallet init`, or name the ledger's: --data DIR");
        return STATUS_NOT_FOUND;
    }
    if (!S_ISDIR(info.st_mode)) return not_a_data_folder(path, "it is a file", out_error);
    if (access(format, F_OK) != 0 && errno == ENOENT) {
        if (access(journal, F_OK) != 0) {
            return not_a_data_folder(path, "it has no file FORMAT", out_error);
        }
        (void)error_set(out_error, STATUS_INVALID, "%s has no file FORMAT", path);
        error_hint(out_error, "if `tpwallet init` was interrupted, remove the folder and repeat "
                              "it; else restore from a backup");
        return STATUS_INVALID;
    }
    status = file_read(format, text, sizeof text, out_error);
    if (status != STATUS_OK) return status;
    return format_verify(path, text, out_error);
}

static enum status in_use(const char *path, const char *lock, struct error *out_error)
{
    char text[LOCK_SIZE_MAX];
    enum status status = file_read(lock, text, sizeof text, out_error);
    if (status != STATUS_OK) return status;
    text[strcspn(text, "\n")] = 0;
    long process = strtol(text, NULL, 10);
    bool is_owner = process > 0 && (kill((pid_t)process, 0) == 0 || errno == EPERM);
    if (!is_owner) { /* empty, or left by an owner that died */
        (void)error_set(out_error, STATUS_CONFLICT, "%s is being read by another command", path);
        error_hint(out_error, "wait for the backup or check to end");
        return STATUS_CONFLICT;
    }
    (void)error_set(out_error, STATUS_CONFLICT, "%s is in use by process %s", path, text);
    error_detail(out_error, "it holds the lock on %s", lock);
    error_hint(out_error,
               "commands of this machine reach it through its socket; to replace it, "
               "stop process %s first",
               text);
    return STATUS_CONFLICT;
}

static enum status lock_as_owner(struct data_folder *folder, const char *path,
                                 struct error *out_error)
{
    folder->lock_file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (folder->lock_file < 0) return system_error(path, "open the lock", out_error);
    if (flock(folder->lock_file, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) return in_use(folder->path, path, out_error);
        return system_error(path, "take the lock", out_error);
    }
    char text[LOCK_SIZE_MAX];
    int length = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    CHECK(length > 0 && (size_t)length < sizeof text);
    if (ftruncate(folder->lock_file, 0) != 0 ||
        pwrite(folder->lock_file, text, (size_t)length, 0) != length) {
        return system_error(path, "write the lock", out_error);
    }
    return STATUS_OK;
}

/* Without an owner the guest keeps owners out: what it reads does not change under it. */
static enum status lock_as_guest(struct data_folder *folder, const char *path,
                                 struct error *out_error)
{
    folder->lock_file = open(path, O_RDONLY | O_CLOEXEC);
    if (folder->lock_file < 0 && errno == ENOENT) return STATUS_OK; /* copied without it */
    if (folder->lock_file < 0) return system_error(path, "open the lock", out_error);
    if (flock(folder->lock_file, LOCK_SH | LOCK_NB) == 0) return STATUS_OK;
    if (errno != EWOULDBLOCK) return system_error(path, "take the lock", out_error);
    folder->beside_owner = true;
    return STATUS_OK;
}

static enum status store_read(struct data_folder *folder, struct error *out_error)
{
    char path[SQLITE_PATH_SIZE];
    enum status status = sqlite_path(folder->path, "store", path, out_error);
    if (status != STATUS_OK) return status;
    if (access(path, F_OK) != 0 && errno == ENOENT) return STATUS_OK;
    status = file_read(path, folder->store, sizeof folder->store, out_error);
    size_t len = strcspn(folder->store, "\n");
    if (status == STATUS_OK && (len == 0 || folder->store[len] != '\n')) {
        (void)error_set(out_error, STATUS_CORRUPT, "%s is damaged", path);
        error_hint(out_error, "it should be one line: the URL of the database");
        status = STATUS_CORRUPT;
    }
    folder->store[len] = 0;
    return status;
}

/* "1 of 3": a number below the other. */
static bool lane_parse(struct str line, uint32_t *out_lane, uint32_t *out_lanes)
{
    uint64_t lane, lanes;
    size_t len = 0;
    while (len < line.len && line.data[len] != ' ') len++;
    struct str rest = { line.data + len, line.len - len };
    if (!str_starts(rest, STR(" of "))) return false;
    rest.data += STR(" of ").len;
    rest.len -= STR(" of ").len;
    if (decimal_parse(rest, LANES_MAX, &lanes) != STATUS_OK || lanes < 2) return false;
    if (decimal_parse((struct str){ line.data, len }, lanes - 1, &lane) != STATUS_OK) return false;
    *out_lane = (uint32_t)lane;
    *out_lanes = (uint32_t)lanes;
    return true;
}

static enum status lane_read(struct data_folder *folder, struct error *out_error)
{
    char path[SQLITE_PATH_SIZE];
    char text[LANE_SIZE_MAX];
    folder->lanes = 1;
    enum status status = sqlite_path(folder->path, "lane", path, out_error);
    if (status != STATUS_OK) return status;
    if (access(path, F_OK) != 0 && errno == ENOENT) return STATUS_OK;
    status = file_read(path, text, sizeof text, out_error);
    if (status != STATUS_OK) return status;
    struct str line = { text, strcspn(text, "\n") };
    if (lane_parse(line, &folder->lane, &folder->lanes)) return STATUS_OK;
    (void)error_set(out_error, STATUS_CORRUPT, "%s is damaged", path);
    error_hint(out_error, "it should be one line: which lane of how many, as in \"1 of 3\"");
    return STATUS_CORRUPT;
}

static enum status ledger_read(struct data_folder *folder, struct error *out_error)
{
    char path[SQLITE_PATH_SIZE];
    enum status status = ledger_path(folder->path, folder->lane, path, out_error);
    return status == STATUS_OK ? ledger_id_read(path, &folder->ledger, out_error) : status;
}

enum status data_folder_open(const char *path, enum data_folder_role role,
                             struct data_folder **out_folder, struct error *out_error)
{
    enum status status = folder_verify(path, out_error);
    if (status != STATUS_OK) return status;
    struct data_folder *folder = calloc(1, sizeof *folder);
    CHECK(folder != NULL);
    folder->lock_file = -1;
    folder->role = role;
    memcpy(folder->path, path, strlen(path) + 1); /* folder_verify() made longer paths of it */
    char lock[SQLITE_PATH_SIZE];
    status = sqlite_path(path, "lock", lock, out_error);
    if (status == STATUS_OK) status = store_read(folder, out_error);
    if (status == STATUS_OK) status = lane_read(folder, out_error);
    const char *socket = folder->lane == 0 ? "socket" : "../../socket";
    if (status == STATUS_OK) status = sqlite_path(path, socket, folder->socket, out_error);
    if (status == STATUS_OK) {
        status = role == DATA_FOLDER_OWNER ? lock_as_owner(folder, lock, out_error)
                                           : lock_as_guest(folder, lock, out_error);
    }
    if (status == STATUS_OK) status = ledger_read(folder, out_error);
    if (status != STATUS_OK) {
        folder->role = DATA_FOLDER_GUEST; /* the lock's text is not ours */
        data_folder_close(folder);
        return status;
    }
    *out_folder = folder;
    return STATUS_OK;
}

void data_folder_close(struct data_folder *folder)
{
    if (folder == NULL) return;
    if (folder->role == DATA_FOLDER_OWNER) {
        int ignored = ftruncate(folder->lock_file, 0); /* an id in an unlocked file harms nobody */
        (void)ignored;
    }
    if (folder->lock_file >= 0) (void)close(folder->lock_file); /* gives the lock back */
    free(folder);
}

enum status data_folder_is_free(const char *path, struct error *out_error)
{
    struct stat info;
    if (stat(path, &info) != 0 && errno == ENOENT) return STATUS_OK;
    return folder_is_empty(path, out_error);
}

enum status data_folder_count_lanes(const char *path, uint32_t *out_lanes, struct error *out_error)
{
    struct data_folder *folder;
    enum status status = data_folder_open(path, DATA_FOLDER_GUEST, &folder, out_error);
    if (status != STATUS_OK) return status;
    *out_lanes = data_folder_lane(folder) == 0 ? data_folder_lanes(folder) : 1;
    data_folder_close(folder);
    return STATUS_OK;
}

enum status data_folder_read_ledger(const char *path, struct uuid *out_ledger,
                                    struct error *out_error)
{
    struct data_folder *folder;
    enum status status = data_folder_open(path, DATA_FOLDER_GUEST, &folder, out_error);
    if (status != STATUS_OK) return status;
    *out_ledger = folder->ledger;
    data_folder_close(folder);
    return STATUS_OK;
}

struct uuid data_folder_ledger(const struct data_folder *folder)
{
    return folder->ledger;
}

enum status data_folder_set_ledger(struct data_folder *folder, struct uuid ledger,
                                   struct error *out_error)
{
    char path[SQLITE_PATH_SIZE];
    enum status status = ledger_path(folder->path, folder->lane, path, out_error);
    if (status == STATUS_OK) status = ledger_id_write(path, ledger, out_error);
    if (status == STATUS_OK) folder->ledger = ledger;
    return status;
}

const char *data_folder_path(const struct data_folder *folder)
{
    return folder->path;
}

const char *data_folder_socket(const struct data_folder *folder)
{
    return folder->socket;
}

const char *data_folder_store(const struct data_folder *folder)
{
    return folder->store[0] == 0 ? NULL : folder->store;
}

uint32_t data_folder_lane(const struct data_folder *folder)
{
    return folder->lane;
}

uint32_t data_folder_lanes(const struct data_folder *folder)
{
    return folder->lanes;
}

struct lane_part data_folder_part(const struct data_folder *folder)
{
    return (struct lane_part){ data_folder_lane(folder), data_folder_lanes(folder) };
}

bool data_folder_beside_owner(const struct data_folder *folder)
{
    return folder->beside_owner;
}
