/*
 * Goal: a data folder is made once, opened by one owner at a time, and refused with the reason
 * when it is not what it should be.
 * Method: folders in the scratch directory; owners and guests in this process and in a child,
 * since locks belong to open files.
 */
#include "adapter/data_folder.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapter/sqlite_store.h"

enum { PATH_SIZE = 512, NOBODY = 65534 };

static void path_in(char out_path[PATH_SIZE], const char *name)
{
    const char *top = getenv("TMPDIR");
    int length = snprintf(out_path, PATH_SIZE, "%s/%s", top == NULL ? "/tmp" : top, name);
    assert_true(length > 0 && length < PATH_SIZE);
}

static void file_in(char out_path[PATH_SIZE], const char *folder, const char *name)
{
    int length = snprintf(out_path, PATH_SIZE, "%s/%s", folder, name);
    assert_true(length > 0 && length < PATH_SIZE);
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* A folder of a name of its own in each run. */
static void new_folder(char out_path[PATH_SIZE])
{
    char name[] = "foldersXXXXXX";
    char pattern[PATH_SIZE];
    struct error error = { 0 };
    path_in(pattern, name);
    assert_non_null(mkdtemp(pattern));
    file_in(out_path, pattern, "data");
    enum status status = data_folder_create(out_path, NULL, &error);
    if (status != STATUS_OK) fail_msg("%s: %s", error.message, error.detail);
}

static unsigned mode_of(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return info.st_mode & 0777;
}

static void created_folder_is_private_and_opens(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    char file[PATH_SIZE];
    struct error error = { 0 };
    struct data_folder *folder = NULL;
    new_folder(path);
    static const char *const files[] = { "FORMAT", "journal.db", "head", "lock", "ledger" };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        file_in(file, path, files[i]);
        assert_int_equal(mode_of(file), 0600);
    }
    file_in(file, path, "archive");
    assert_int_equal(mode_of(file), 0700);
    assert_int_equal(mode_of(path), 0700);
    assert_int_equal(data_folder_open(path, DATA_FOLDER_OWNER, &folder, &error), STATUS_OK);
    assert_string_equal(data_folder_path(folder), path);
    file_in(file, path, "socket");
    assert_string_equal(data_folder_socket(folder), file);
    struct sqlite_store_options options = { .folder = path };
    struct store *store = NULL;
    assert_int_equal(sqlite_store_open(&options, &store, &error), STATUS_OK);
    assert_false(uuid_is_nil(data_folder_ledger(folder)));
    assert_true(uuid_equal(data_folder_ledger(folder), sqlite_store_ledger(store)));
    store->close(store);
    options.ledger = (struct uuid){ .hi = 1, .lo = 1 };
    assert_int_equal(sqlite_store_open(&options, &store, &error), STATUS_INVALID);
    assert_non_null(strstr(error.detail, "00000000-0000-0001-0000-000000000001"));
    data_folder_close(folder);
}

static void create_refuses_what_is_there(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    char file[PATH_SIZE];
    char inner[PATH_SIZE];
    struct error error = { 0 };
    new_folder(path);
    assert_int_equal(data_folder_create(path, NULL, &error), STATUS_CONFLICT);
    file_in(file, path, "FORMAT");
    assert_int_equal(data_folder_create(file, NULL, &error), STATUS_INVALID);
    file_in(inner, path, "no/such/parent");
    assert_int_equal(data_folder_create(inner, NULL, &error), STATUS_UNAVAILABLE);
    file_in(inner, path, "empty");
    assert_int_equal(mkdir(inner, 0755), 0);
    assert_int_equal(data_folder_create(inner, NULL, &error), STATUS_OK);
    assert_int_equal(mode_of(inner), 0700);
}

static void second_owner_is_told_who_has_it(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    char process[32];
    struct error error = { 0 };
    struct data_folder *first = NULL;
    struct data_folder *second = NULL;
    new_folder(path);
    int length = snprintf(process, sizeof process, "process %ld", (long)getpid());
    assert_true(length > 0 && (size_t)length < sizeof process);
    assert_int_equal(data_folder_open(path, DATA_FOLDER_OWNER, &first, &error), STATUS_OK);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bool right =
            data_folder_open(path, DATA_FOLDER_OWNER, &second, &error) == STATUS_CONFLICT &&
            strstr(error.message, process) != NULL && strlen(error.hint) > 0;
        _exit(right ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    data_folder_close(first);
    assert_int_equal(data_folder_open(path, DATA_FOLDER_OWNER, &second, &error), STATUS_OK);
    data_folder_close(second);
}

static void lock_of_a_dead_owner_is_no_lock(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    struct error error = { 0 };
    struct data_folder *folder = NULL;
    new_folder(path);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) { /* dies with the folder open */
        _exit(data_folder_open(path, DATA_FOLDER_OWNER, &folder, &error) == STATUS_OK ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(data_folder_open(path, DATA_FOLDER_OWNER, &folder, &error), STATUS_OK);
    data_folder_close(folder);
}

static void guests_come_beside_an_owner_or_keep_owners_out(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    struct error error = { 0 };
    struct data_folder *owner = NULL;
    struct data_folder *guest = NULL;
    struct data_folder *other = NULL;
    new_folder(path);
    assert_int_equal(data_folder_open(path, DATA_FOLDER_OWNER, &owner, &error), STATUS_OK);
    assert_int_equal(data_folder_open(path, DATA_FOLDER_GUEST, &guest, &error), STATUS_OK);
    assert_true(data_folder_beside_owner(guest));
    data_folder_close(guest);
    data_folder_close(owner);

    assert_int_equal(data_folder_open(path, DATA_FOLDER_GUEST, &guest, &error), STATUS_OK);
    assert_false(data_folder_beside_owner(guest));
    assert_int_equal(data_folder_open(path, DATA_FOLDER_GUEST, &other, &error), STATUS_OK);
    data_folder_close(other);
    assert_int_equal(data_folder_open(path, DATA_FOLDER_OWNER, &owner, &error), STATUS_CONFLICT);
    assert_non_null(strstr(error.message, "being read"));
    data_folder_close(guest);
    assert_int_equal(data_folder_open(path, DATA_FOLDER_OWNER, &owner, &error), STATUS_OK);
    data_folder_close(owner);
}

static void format_is_read_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum status status;
    } cases[] = {
        { "tpwallet data folder, format 1\n", STATUS_OK },
        { "tpwallet data folder, format 2\n", STATUS_INVALID },
        { "tpwallet data folder, format 999\n", STATUS_INVALID },
        { "tpwallet data folder, format 0\n", STATUS_CORRUPT },
        { "tpwallet data folder, format 1", STATUS_CORRUPT },
        { "tpwallet data folder, format 1\n\n", STATUS_CORRUPT },
        { "tpwallet data folder, format \n", STATUS_CORRUPT },
        { "tpwallet data folder, format 1x\n", STATUS_CORRUPT },
        { "tpwallet data folder, format 99999999999999999999\n", STATUS_CORRUPT },
        { "Tpwallet data folder, format 1\n", STATUS_CORRUPT },
        { "", STATUS_CORRUPT },
    };
    char path[PATH_SIZE];
    char format[PATH_SIZE];
    new_folder(path);
    file_in(format, path, "FORMAT");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error error = { 0 };
        struct data_folder *folder = NULL;
        write_text(format, cases[i].text);
        enum status status = data_folder_open(path, DATA_FOLDER_GUEST, &folder, &error);
        assert_int_equal(status, cases[i].status);
        assert_true(status == STATUS_OK || strlen(error.hint) > 0);
        data_folder_close(folder);
    }
}

static void what_is_no_data_folder_is_refused(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    char file[PATH_SIZE];
    struct error error = { 0 };
    struct data_folder *folder = NULL;
    new_folder(path);
    file_in(file, path, "nothing");
    assert_int_equal(data_folder_open(file, DATA_FOLDER_OWNER, &folder, &error), STATUS_NOT_FOUND);
    file_in(file, path, "journal.db");
    assert_int_equal(data_folder_open(file, DATA_FOLDER_OWNER, &folder, &error), STATUS_INVALID);
    file_in(file, path, "archive");
    assert_int_equal(data_folder_open(file, DATA_FOLDER_OWNER, &folder, &error), STATUS_INVALID);
    file_in(file, path, "FORMAT"); /* an init that was interrupted */
    assert_int_equal(unlink(file), 0);
    assert_int_equal(data_folder_open(path, DATA_FOLDER_OWNER, &folder, &error), STATUS_INVALID);
    assert_non_null(strstr(error.hint, "interrupted"));
}

/* Root may write anywhere: so a child that is nobody tries. */
static void folder_that_cannot_be_written_is_denied(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    char parent[PATH_SIZE];
    char lock[PATH_SIZE];
    new_folder(path);
    memcpy(parent, path, strlen(path) + 1);
    *strrchr(parent, '/') = 0;
    file_in(lock, path, "lock");
    if (getenv("TMPDIR") != NULL) assert_int_equal(chmod(getenv("TMPDIR"), 0755), 0);
    assert_int_equal(chmod(parent, 0755), 0);
    assert_int_equal(chmod(path, 0555), 0);
    assert_int_equal(chmod(lock, 0444), 0);
    char format[PATH_SIZE];
    file_in(format, path, "FORMAT");
    assert_int_equal(chmod(format, 0444), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct error error = { 0 };
        struct data_folder *folder = NULL;
        if (geteuid() == 0 && setuid(NOBODY) != 0) _exit(2);
        enum status status = data_folder_open(path, DATA_FOLDER_OWNER, &folder, &error);
        bool right = status == STATUS_DENIED && strstr(error.message, "lock") != NULL &&
                     strlen(error.hint) > 0;
        _exit(right ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(chmod(path, 0700), 0);
    assert_int_equal(status, 0);
}

static void folder_is_opened(const char *path, uint32_t lane, uint32_t lanes)
{
    struct error error = { 0 };
    struct data_folder *folder = NULL;
    enum status status = data_folder_open(path, DATA_FOLDER_OWNER, &folder, &error);
    if (status != STATUS_OK) fail_msg("%s: %s", error.message, error.detail);
    assert_int_equal(data_folder_lane(folder), lane);
    assert_int_equal(data_folder_lanes(folder), lanes);
    data_folder_close(folder);
}

static void each_lane_has_a_folder_that_says_which_it_is(void **state)
{
    (void)state;
    enum { LANES = 3 };
    char parent[PATH_SIZE];
    char path[PATH_SIZE];
    char inner[PATH_SIZE];
    struct error error = { 0 };
    new_folder(parent);
    folder_is_opened(parent, 0, 1);
    file_in(path, parent, "several");
    assert_int_equal(data_folder_create_lanes(path, NULL, LANES, &error), STATUS_OK);
    for (uint32_t lane = 0; lane < LANES; lane++) {
        enum status status = data_folder_lane_path(path, lane, inner, sizeof inner, &error);
        assert_int_equal(status, STATUS_OK);
        folder_is_opened(inner, lane, LANES);
        assert_int_equal(mode_of(inner), 0700);
    }
    assert_int_equal(data_folder_lane_path(path, 1, inner, 8, &error), STATUS_INVALID);
    assert_int_equal(data_folder_create_lanes(path, NULL, LANES, &error), STATUS_CONFLICT);
}

static void what_says_which_lane_it_is_is_read_strictly(void **state)
{
    (void)state;
    static const char *const texts[] = { "",          "\n",       "3 of 3\n",  "0 of 1\n",
                                         "1 of 65\n", "1 of x\n", "-1 of 3\n", "1  of 3\n",
                                         "1of3\n",    "1\n" };
    char path[PATH_SIZE];
    char file[PATH_SIZE];
    new_folder(path);
    file_in(file, path, "lane");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct error error = { 0 };
        struct data_folder *folder = NULL;
        write_text(file, texts[i]);
        enum status status = data_folder_open(path, DATA_FOLDER_OWNER, &folder, &error);
        if (status != STATUS_CORRUPT) fail_msg("'%s' is taken", texts[i]);
    }
    write_text(file, "2 of 3\n");
    folder_is_opened(path, 2, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(created_folder_is_private_and_opens),
        cmocka_unit_test(create_refuses_what_is_there),
        cmocka_unit_test(second_owner_is_told_who_has_it),
        cmocka_unit_test(lock_of_a_dead_owner_is_no_lock),
        cmocka_unit_test(guests_come_beside_an_owner_or_keep_owners_out),
        cmocka_unit_test(format_is_read_strictly),
        cmocka_unit_test(what_is_no_data_folder_is_refused),
        cmocka_unit_test(folder_that_cannot_be_written_is_denied),
        cmocka_unit_test(each_lane_has_a_folder_that_says_which_it_is),
        cmocka_unit_test(what_says_which_lane_it_is_is_read_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
