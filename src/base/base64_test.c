/*
 * Goal: base64 is written as RFC 4648 has it; each run of bytes has one text, and nothing else
 * is read.
 * Method: the vectors of RFC 4648, section 10; random bytes both ways; every byte at every place
 * of a group; all texts of one group, counted against the bytes they could stand for.
 */
#include "base/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/prng.h"

static void vectors_of_the_standard(void **state)
{
    (void)state; /* no fixture */
    static const struct {
        const char *bytes;
        const char *text;
    } vectors[] = {
        { "", "" },
        { "f", "Zg==" },
        { "fo", "Zm8=" },
        { "foo", "Zm9v" },
        { "foob", "Zm9vYg==" },
        { "fooba", "Zm9vYmE=" },
        { "foobar", "Zm9vYmFy" },
        { "\xfb\xff\xbf", "+/+/" },
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        char text[16];
        uint8_t back[8] = { 0 };
        size_t size = 99;
        struct str bytes = str_from(vectors[i].bytes);
        struct str view = base64_format(bytes.data, bytes.len, text);
        assert_string_equal(text, vectors[i].text);
        assert_int_equal(view.len, strlen(vectors[i].text));
        assert_int_equal(view.len, BASE64_LEN(bytes.len));
        assert_int_equal(base64_parse(view, sizeof back, back, &size), STATUS_OK);
        assert_int_equal(size, bytes.len);
        assert_memory_equal(back, bytes.data, bytes.len);
        assert_int_equal(base64_parse_exact(view, back, bytes.len), STATUS_OK);
    }
}

static void random_bytes_come_back(void **state)
{
    (void)state; /* no fixture */
    struct prng prng;
    prng_init(&prng, 11);
    for (size_t size = 0; size < 300; size++) {
        uint8_t bytes[300];
        uint8_t back[300];
        char text[BASE64_TEXT_SIZE(300)];
        size_t read = 0;
        for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)prng_next(&prng);
        struct str view = base64_format(bytes, size, text);
        assert_int_equal(base64_parse(view, size, back, &read), STATUS_OK);
        assert_int_equal(read, size);
        assert_memory_equal(back, bytes, size);
        struct buf BUF_SCOPE buf;
        buf_init(&buf, 512);
        base64_append(&buf, bytes, size);
        assert_true(str_equal(buf_view(&buf), view));
    }
}

static void only_the_alphabet_is_read(void **state)
{
    (void)state; /* no fixture */
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t place = 0; place < 8; place++) {
        for (unsigned byte = 1; byte < 256; byte++) {
            char text[] = "AbC9+/zZ";
            uint8_t bytes[6];
            size_t size;
            text[place] = (char)byte;
            /* '=' at the end asks for zeros where the character before it has ones. */
            bool fits = memchr(alphabet, (int)byte, 64) != NULL;
            enum status status = base64_parse((struct str){ text, 8 }, 6, bytes, &size);
            assert_int_equal(status, fits ? STATUS_OK : STATUS_INVALID);
        }
    }
}

/* 256 texts for one byte and 65,536 for two, of the 4,096 and 262,144 of that shape. */
static void each_run_of_bytes_has_one_text(void **state)
{
    (void)state; /* no fixture */
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned one = 0;
    unsigned two = 0;
    for (unsigned i = 0; i < 64 * 64 * 64; i++) {
        char text[4] = { alphabet[i & 63], alphabet[i >> 6 & 63], alphabet[i >> 12], '=' };
        uint8_t bytes[3];
        size_t size;
        if (base64_parse((struct str){ text, 4 }, 3, bytes, &size) == STATUS_OK) two++;
        if (i >> 12 != 0) continue;
        text[2] = '=';
        if (base64_parse((struct str){ text, 4 }, 3, bytes, &size) == STATUS_OK) one++;
    }
    assert_int_equal(one, 256);
    assert_int_equal(two, 65536);
}

static void odd_shapes_and_sizes_are_refused(void **state)
{
    (void)state; /* no fixture */
    static const char *const wrong[] = { "=",     "====",     "A===",     "Zg=",      "Zg",
                                         "Zm9vY", "Zm=v",     "Zm9v====", "Zg==Zg==", "Zm9v\n",
                                         " Zm9v", "Zm9v\r\n", "Zm9-",     "Zm9_",     "Zh==" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint8_t bytes[16] = { 7 };
        size_t size = 77;
        enum status status = base64_parse(str_from(wrong[i]), sizeof bytes, bytes, &size);
        if (status != STATUS_INVALID) fail_msg("'%s' is read", wrong[i]);
        assert_int_equal(bytes[0], 7);
        assert_int_equal(size, 77);
    }
    uint8_t bytes[4] = { 7 };
    size_t size = 77;
    assert_int_equal(base64_parse(STR("Zm9vYg=="), 3, bytes, &size), STATUS_LIMIT);
    assert_int_equal(base64_parse(STR("Zm9vYg=="), 4, bytes, &size), STATUS_OK);
    assert_int_equal(base64_parse_exact(STR("Zm9vYg=="), bytes, 3), STATUS_INVALID);
    assert_int_equal(base64_parse_exact(STR("Zm8="), bytes, 3), STATUS_INVALID);
    assert_int_equal(base64_parse_exact(STR("Zm9v"), bytes, 2), STATUS_INVALID);
    assert_int_equal(base64_parse_exact(STR("Zm8="), bytes, 2), STATUS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_the_standard),
        cmocka_unit_test(random_bytes_come_back),
        cmocka_unit_test(only_the_alphabet_is_read),
        cmocka_unit_test(each_run_of_bytes_has_one_text),
        cmocka_unit_test(odd_shapes_and_sizes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
