/*
 * Goal: a log store gives back files by name, whole, the newest content, and the head apart from
 * them, also after a reopen.
 * Method: one story through the port alone, looked at in two lives.
 */
#include "tests/port/log_store_conformance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void expect_file(struct log_store *store, const char *name, const char *content)
{
    struct error error = { 0 };
    BUF_SCOPE struct buf bytes;
    buf_init(&bytes, 64 << 10);
    buf_append_str(&bytes, STR("what stood there before"));
    enum status status = store->read(store, str_from(name), &bytes, &error);
    if (content == NULL) {
        assert_int_equal(status, STATUS_NOT_FOUND);
        return;
    }
    if (status != STATUS_OK) fail_msg("%s: %s", name, error.message);
    assert_true(str_equal(buf_view(&bytes), str_from(content)));
}

static void put(struct log_store *store, const char *name, const char *content)
{
    struct error error = { 0 };
    if (store->write(store, str_from(name), str_from(content), &error) != STATUS_OK) {
        fail_msg("%s: %s %s", name, error.message, error.detail);
    }
}

/* A whole tile of hashes, a whole bundle. */
static struct str tile_of(char byte, char bytes[8192])
{
    memset(bytes, byte, 8192);
    return (struct str){ bytes, 8192 };
}

static void expect_tile(struct log_store *store, const char *name, char byte)
{
    char expected[8192];
    struct error error = { 0 };
    BUF_SCOPE struct buf bytes;
    buf_init(&bytes, 64 << 10);
    enum status status = store->read(store, str_from(name), &bytes, &error);
    if (status != STATUS_OK) fail_msg("%s: %s", name, error.message);
    assert_true(str_equal(buf_view(&bytes), tile_of(byte, expected)));
}

static void put_tile(struct log_store *store, const char *name, char byte)
{
    char bytes[8192];
    struct error error = { 0 };
    if (store->write(store, str_from(name), tile_of(byte, bytes), &error) != STATUS_OK) {
        fail_msg("%s: %s %s", name, error.message, error.detail);
    }
}

/* Bundles of many lengths, each behind the one before. */
enum { BUNDLES = 7 };

static struct str bundle_of(unsigned index, char bytes[8192])
{
    struct str whole = tile_of((char)('a' + index), bytes);
    return (struct str){ whole.data, 1 + index * 7919 % 8192 };
}

static void put_bundles(struct log_store *store, unsigned from)
{
    for (unsigned i = from; i < BUNDLES; i++) {
        char name[] = "tile/entries/000";
        char bytes[8192];
        name[sizeof name - 2] = (char)('0' + i);
        assert_int_equal(store->write(store, str_from(name), bundle_of(i, bytes), NULL), STATUS_OK);
    }
}

static void expect_bundles(struct log_store *store)
{
    BUF_SCOPE struct buf bytes;
    buf_init(&bytes, 64 << 10);
    for (unsigned i = 0; i < BUNDLES; i++) {
        char name[] = "tile/entries/000";
        char expected[8192];
        name[sizeof name - 2] = (char)('0' + i);
        assert_int_equal(store->read(store, str_from(name), &bytes, NULL), STATUS_OK);
        assert_true(str_equal(buf_view(&bytes), bundle_of(i, expected)));
    }
    expect_file(store, "tile/entries/007", NULL);
}

static void expect_head(struct log_store *store, uint64_t number)
{
    struct log_head head;
    memset(&head, 0xFF, sizeof head);
    assert_int_equal(store->head_read(store, &head, NULL), STATUS_OK);
    assert_int_equal(head.size, number);
    assert_int_equal(head.batch, number + 1);
    assert_int_equal(head.epoch, number + 2);
    assert_int_equal(head.root.bytes[31], (uint8_t)number);
    assert_int_equal(head.batch_hash.bytes[0], (uint8_t)(number + 3));
}

static void put_head(struct log_store *store, uint64_t number)
{
    struct log_head head = { .size = number, .batch = number + 1, .epoch = number + 2 };
    head.root.bytes[31] = (uint8_t)number;
    head.batch_hash.bytes[0] = (uint8_t)(number + 3);
    assert_int_equal(store->head_write(store, &head, NULL), STATUS_OK);
}

static void expect_all(struct log_store *store)
{
    expect_file(store, "checkpoint", "second, and longer");
    expect_tile(store, "tile/0/x001/234", 'h');
    expect_tile(store, "tile/7/000", 'i');
    expect_file(store, "tile/0/x001/233", NULL); /* before one that is there */
    expect_file(store, "tile/0/x001/235.p/7", NULL);
    expect_file(store, "tile/0/x001/235.p/8", "wider");
    expect_file(store, "tile/entries/000.p/3", "three");
    expect_bundles(store);
    expect_head(store, 9);
}

void log_store_conformance(const struct log_store_factory *factory)
{
    factory->fresh(factory->owner);
    struct log_store *store = factory->open(factory->owner);
    struct log_head head;
    assert_int_equal(store->head_read(store, &head, NULL), STATUS_NOT_FOUND);
    expect_file(store, "checkpoint", NULL);
    expect_file(store, "tile/0/x001/234", NULL);
    put(store, "checkpoint", "first");
    expect_file(store, "checkpoint", "first");
    put(store, "checkpoint", "second, and longer");
    put_tile(store, "tile/0/x001/234", 'g');
    put_tile(store, "tile/0/x001/234", 'h');
    put_tile(store, "tile/7/000", 'i');
    put(store, "tile/0/x001/235.p/7", "narrow");
    put(store, "tile/0/x001/235.p/8", "wider");
    put(store, "tile/entries/000.p/3", "three");
    put_bundles(store, 0);
    put_bundles(store, 0);
    put_bundles(store, BUNDLES - 2);
    assert_int_equal(store->remove(store, STR("tile/0/x001/235.p/7"), NULL), STATUS_OK);
    assert_int_equal(store->remove(store, STR("tile/0/x001/235.p/7"), NULL), STATUS_OK);
    assert_int_equal(store->remove(store, STR("tile/7/000.p/1"), NULL), STATUS_OK);
    assert_int_equal(store->sync(store, NULL), STATUS_OK);
    put_head(store, 300);
    expect_head(store, 300);
    put_head(store, 9);
    expect_all(store);
    BUF_SCOPE struct buf small;
    buf_init(&small, 4);
    assert_int_equal(store->read(store, STR("checkpoint"), &small, NULL), STATUS_LIMIT);
    store->close(store);
    store = factory->open(factory->owner);
    expect_all(store);
    store->close(store);
}
