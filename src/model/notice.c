#include "model/notice.h"

#include "base/check.h"

const char *notice_code(unsigned kind)
{
#define NOTICE_CODE(name, number, code, text) [number] = (code),
    static const char *const codes[] = { NOTICE_TABLE(NOTICE_CODE) };
#undef NOTICE_CODE
    return kind < sizeof codes / sizeof codes[0] ? codes[kind] : NULL;
}

struct setting_row {
    unsigned bit;
    const char *code;
};

#define SETTING_ROW(name, bit, code) { (bit), (code) },
static const struct setting_row settings[] = { SETTING_TABLE(SETTING_ROW) };
#undef SETTING_ROW
enum { SETTING_COUNT = sizeof settings / sizeof settings[0] };
_Static_assert(SETTINGS_ALL == (1 << SETTING_COUNT) - 1, "all of the table and no others");

const char *setting_code(unsigned bit)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (settings[i].bit == bit) return settings[i].code;
    }
    return NULL;
}

static bool is_letter_or_digit(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9');
}

bool reason_is_valid(struct str reason)
{
    static const char marks[] = "._:#/-";
    if (reason.len == 0 || reason.len > REASON_LEN_MAX) return false;
    if (!is_letter_or_digit(reason.data[0])) return false;
    for (size_t i = 0; i < reason.len; i++) {
        char byte = reason.data[i];
        bool mark = byte != '\0' && memchr(marks, byte, sizeof marks - 1) != NULL;
        if (!mark && !is_letter_or_digit(byte)) return false;
    }
    return true;
}

static bool is_of_endpoint(enum notice_kind kind)
{
    return kind >= NOTICE_ENDPOINT_CREATE && kind <= NOTICE_ENDPOINT_DISABLE;
}

const char *notice_fault(const struct notice *notice, const char **out_field)
{
    CHECK(out_field != NULL);
    *out_field = "kind";
    if (notice_code(notice->kind) == NULL || notice->kind == NOTICE_REASON) {
        return "there is no such act";
    }
    *out_field = "subject";
    if (is_of_endpoint(notice->kind) == uuid_is_nil(notice->subject)) {
        return is_of_endpoint(notice->kind) ? "the id of an endpoint is required" : "must be nil";
    }
    *out_field = "settings";
    bool start = notice->kind == NOTICE_SERVER_START;
    uint32_t allowed = start ? SETTINGS_ALL : 0;
    if ((notice->settings & ~allowed) != 0) return "there is no such setting";
    return NULL;
}
