/*
 * Goal: who reads a bundle while another writes it gets what the writer's custody has, and no forgery.
 *
 * Method: a bundle of the test's own, opened to be read; before the reader goes on, a writer puts a
 * file into it, seals it, or somebody without a key changes it. So the reader meets each of them.
 */
#include "cmd/doctor_bundle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapter/new_file.h"
#include "cmd/folder_remove.h"
#include "tlog/note_test.h"

#define MANIFEST "manifest.json"

static char folder[] = "/tmp/tpwallet-doctor-bundle-XXXXXX";
static char bundle_path[sizeof folder + 8];
static char key_path[sizeof folder + 8];
static char manifest_path[sizeof bundle_path + 16];
static struct doctor_bundle reader;
static struct buf bytes;

static void path_make(char *path, size_t size, const char *above, const char *name)
{
    int len = snprintf(path, size, "%s/%s", above, name);
    assert_in_range(len, 1, size - 1);
}

static void key_make(void)
{
    char text[NOTE_KEY_TEXT_SIZE];
    struct note_signer signer;
    struct error error = { 0 };
    test_signer(&signer, "anna", NOTE_ED25519, 1);
    struct str key = note_signer_format(&signer, text);
    assert_int_equal(new_file_write(key_path, key, 0600, &error), STATUS_OK);
    note_signer_done(&signer);
}

/* By its writer, who has the key. */
static void manifest_put(const char *text, const struct incident *create)
{
    struct doctor_bundle writer;
    assert_int_equal(doctor_bundle_open(bundle_path, key_path, create, &writer), STATUS_OK);
    assert_int_equal(doctor_bundle_put(&writer, MANIFEST, "sealed", str_from(text)), STATUS_OK);
    doctor_bundle_close(&writer);
}

static int begin(void **state)
{
    static const struct incident incident = {
        .id = { "7F3A", 4 }, .title = { "paid twice", 10 }, .from = { 1 }, .to = { 2 }
    };
    (void)state; /* the bundle is static */
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    assert_non_null(mkdtemp(folder));
    path_make(bundle_path, sizeof bundle_path, folder, "case");
    path_make(key_path, sizeof key_path, folder, "key");
    path_make(manifest_path, sizeof manifest_path, bundle_path, MANIFEST);
    key_make();
    manifest_put("one\n", &incident);
    buf_init(&bytes, 1 << 20);
    return doctor_bundle_open(bundle_path, NULL, NULL, &reader) == STATUS_OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state; /* the bundle is static */
    doctor_bundle_close(&reader);
    buf_free(&bytes);
    folder_remove(folder);
    return 0;
}

static void newest_is(const char *text)
{
    buf_reset(&bytes);
    assert_int_equal(doctor_bundle_get_newest(&reader, MANIFEST, &bytes), STATUS_OK);
    assert_true(str_equal(buf_view(&bytes), str_from(text)));
}

static void what_was_put_meanwhile_is_read_with_its_custody(void **state)
{
    (void)state; /* the bundle is static */
    newest_is("one\n");
    manifest_put("two\n", NULL);
    buf_reset(&bytes);
    assert_int_equal(doctor_bundle_get_kept(&reader, MANIFEST, &bytes), STATUS_DENIED);
    newest_is("two\n");
    manifest_put("three\n", NULL); /* and again */
    newest_is("three\n");
}

static void what_was_sealed_meanwhile_is_read_with_its_ticket(void **state)
{
    struct doctor_bundle writer;
    (void)state; /* the bundle is static */
    uint32_t notes = reader.incident.note_count;
    assert_int_equal(doctor_bundle_open(bundle_path, key_path, NULL, &writer), STATUS_OK);
    assert_int_equal(doctor_bundle_note(&writer, "looked at"), STATUS_OK);
    assert_int_equal(doctor_bundle_seal(&writer), STATUS_OK);
    doctor_bundle_close(&writer);
    buf_reset(&bytes);
    assert_int_equal(doctor_bundle_get_newest(&reader, MANIFEST, &bytes), STATUS_OK);
    assert_false(str_equal(buf_view(&bytes), STR("one\n")));
    assert_int_equal(reader.incident.note_count, notes + 1);
    assert_true(str_equal(reader.incident.notes[notes].text, STR("looked at")));
}

static void what_nobody_entered_stays_refused(void **state)
{
    struct error error = { 0 };
    (void)state; /* the bundle is static */
    assert_int_equal(unlink(manifest_path), 0);
    assert_int_equal(new_file_write(manifest_path, STR("forged\n"), 0600, &error), STATUS_OK);
    buf_reset(&bytes);
    assert_int_equal(doctor_bundle_get_newest(&reader, MANIFEST, &bytes), STATUS_DENIED);
    assert_string_equal(reader.error.message, MANIFEST " is not as its custody has it");
    manifest_put("two\n", NULL); /* by who may */
    newest_is("two\n");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        CASE(what_was_put_meanwhile_is_read_with_its_custody),
        CASE(what_was_sealed_meanwhile_is_read_with_its_ticket),
        CASE(what_nobody_entered_stays_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
