/*
 * Goal: a record that was changed, and checked again, is not believed to hold numbers and texts
 * that would lead out of what they are kept in.
 * Method: sound records, and each of their parts changed in turn.
 */
#include "wallet/record_sound.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct record_asset asset_of(uint32_t id, const char *code)
{
    struct record_asset asset = { .head = { .type = RECORD_ASSET }, .id = id, .exponent = 2 };
    memcpy(asset.code, code, strlen(code));
    return asset;
}

static void assets_have_numbers_and_codes_that_can_be(void **state)
{
    (void)state; /* no fixture */
    static const uint32_t far[] = { 0, 978, ASSET_CUSTOM_FIRST - 1,
                                    ASSET_CUSTOM_FIRST + ASSETS_CUSTOM_MAX, UINT32_MAX };
    struct record_asset asset = asset_of(ASSET_CUSTOM_FIRST, "POINTS");
    assert_null(record_sound_fault(&asset.head));
    asset.id = ASSET_CUSTOM_FIRST + ASSETS_CUSTOM_MAX - 1;
    assert_null(record_sound_fault(&asset.head));
    for (size_t i = 0; i < sizeof far / sizeof far[0]; i++) {
        asset.id = far[i];
        assert_non_null(record_sound_fault(&asset.head));
        asset.head.outcome = 1; /* it was refused: it has no number */
        assert_null(record_sound_fault(&asset.head));
        asset.head.outcome = 0;
    }
    asset.id = ASSET_CUSTOM_FIRST;
    memset(asset.code, 'A', sizeof asset.code);
    assert_non_null(record_sound_fault(&asset.head));
    asset = asset_of(ASSET_CUSTOM_FIRST, "a b");
    assert_non_null(record_sound_fault(&asset.head));
}

static void texts_of_payments_end(void **state)
{
    (void)state; /* no fixture */
    struct record_payment record = { .head = { .type = RECORD_PAYMENT } };
    struct payment *payment = &record.payment;
    struct {
        char *text;
        size_t size;
    } texts[] = {
        { payment->psp, sizeof payment->psp },
        { payment->method, sizeof payment->method },
        { payment->psp_object, sizeof payment->psp_object },
        { payment->reason, sizeof payment->reason },
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        memset(texts[i].text, 'x', texts[i].size - 1);
        assert_null(record_sound_fault(&record.head));
        texts[i].text[texts[i].size - 1] = 'x';
        assert_non_null(record_sound_fault(&record.head));
        memset(texts[i].text, 0, texts[i].size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(assets_have_numbers_and_codes_that_can_be),
        cmocka_unit_test(texts_of_payments_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
