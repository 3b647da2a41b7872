#include "webhook/signature_header.h"

#include "base/base64.h"
#include "base/hex.h"

/* Cuts the text up to the separator off the front; the whole when there is none. */
static struct str cut(struct str *rest, char separator, bool *out_more)
{
    const char *end = rest->len == 0 ? NULL : memchr(rest->data, separator, rest->len);
    struct str part = *rest;
    *out_more = end != NULL;
    if (end != NULL) {
        part.len = (size_t)(end - rest->data);
        *rest = (struct str){ end + 1, rest->len - part.len - 1 };
    } else {
        *rest = (struct str){ rest->data, 0 };
    }
    return part;
}

/* Versions and names: letters, digits, '_' and '-'. */
static bool is_name(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '_' && c != '-') return false;
    }
    return text.len > 0;
}

static bool is_printable(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~') return false;
    }
    return text.len > 0;
}

static enum status add(struct signature_list *list, struct signature **out_item)
{
    if (list->count == SIGNATURES_MAX) return STATUS_LIMIT;
    *out_item = &list->items[list->count++];
    return STATUS_OK;
}

static enum status add_standard(struct signature_list *list, struct str version, struct str text)
{
    bool hmac = str_equal(version, STR("v1"));
    if (!hmac && !str_equal(version, STR("v1a"))) {
        if (!is_name(version) || !is_printable(text)) return STATUS_INVALID;
        list->unknown++;
        return list->unknown > SIGNATURES_MAX ? STATUS_LIMIT : STATUS_OK;
    }
    struct signature *item = NULL;
    enum status status = add(list, &item);
    if (status != STATUS_OK) return status;
    item->kind = hmac ? SIGNATURE_HMAC : SIGNATURE_ED25519;
    if (hmac) return base64_parse_exact(text, item->hmac.bytes, sizeof item->hmac.bytes);
    return base64_parse_exact(text, item->ed25519.bytes, sizeof item->ed25519.bytes);
}

static void list_reset(struct signature_list *list)
{
    list->count = 0; /* what lies behind is never looked at */
    list->unknown = 0;
    list->timed = false;
    list->timestamp_s = 0;
    list->timestamp = (struct str){ NULL, 0 };
}

static enum status list_status(const struct signature_list *list)
{
    return list->count > 0 ? STATUS_OK : STATUS_NOT_FOUND;
}

enum status signature_header_standard(struct str value, struct signature_list *out_list)
{
    if (value.len > SIGNATURE_HEADER_SIZE_MAX) return STATUS_LIMIT;
    list_reset(out_list);
    bool more = true;
    while (more) {
        bool comma = false;
        struct str item = cut(&value, ' ', &more);
        struct str version = cut(&item, ',', &comma);
        enum status status = comma ? add_standard(out_list, version, item) : STATUS_INVALID;
        if (status != STATUS_OK) return status;
    }
    return list_status(out_list);
}

static enum status add_stripe(struct signature_list *list, struct str name, struct str text)
{
    if (str_equal(name, STR("t"))) {
        if (list->timed) return STATUS_INVALID; /* which of them was signed? */
        list->timed = true;
        list->timestamp = text;
        return signature_timestamp(text, &list->timestamp_s);
    }
    if (!str_equal(name, STR("v1"))) {
        if (!is_name(name) || !is_printable(text)) return STATUS_INVALID;
        list->unknown++;
        return list->unknown > SIGNATURES_MAX ? STATUS_LIMIT : STATUS_OK;
    }
    struct signature *item = NULL;
    enum status status = add(list, &item);
    if (status != STATUS_OK) return status;
    item->kind = SIGNATURE_HMAC;
    return hex_parse(text, item->hmac.bytes, sizeof item->hmac.bytes);
}

enum status signature_header_stripe(struct str value, struct signature_list *out_list)
{
    if (value.len > SIGNATURE_HEADER_SIZE_MAX) return STATUS_LIMIT;
    list_reset(out_list);
    bool more = true;
    while (more) {
        bool equals = false;
        struct str item = cut(&value, ',', &more);
        struct str name = cut(&item, '=', &equals);
        enum status status = equals ? add_stripe(out_list, name, item) : STATUS_INVALID;
        if (status != STATUS_OK) return status;
    }
    return out_list->timed ? list_status(out_list) : STATUS_INVALID;
}

enum status signature_header_plain(struct str value, struct str prefix, bool base64,
                                   struct signature_list *out_list)
{
    if (value.len > SIGNATURE_HEADER_SIZE_MAX) return STATUS_LIMIT;
    list_reset(out_list);
    if (!str_starts(value, prefix)) return STATUS_INVALID;
    struct str text = { value.data + prefix.len, value.len - prefix.len };
    struct signature *item = NULL;
    enum status status = add(out_list, &item);
    if (status != STATUS_OK) return status;
    item->kind = SIGNATURE_HMAC;
    if (base64) return base64_parse_exact(text, item->hmac.bytes, sizeof item->hmac.bytes);
    return hex_parse(text, item->hmac.bytes, sizeof item->hmac.bytes);
}

enum status signature_timestamp(struct str value, uint64_t *out_timestamp_s)
{
    uint64_t number = 0;
    if (value.len == 0 || value.len > SIGNATURE_TIMESTAMP_DIGITS_MAX) return STATUS_INVALID;
    if (value.data[0] == '0') return STATUS_INVALID;
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9') return STATUS_INVALID;
        number = number * 10 + (uint64_t)(value.data[i] - '0');
    }
    *out_timestamp_s = number;
    return STATUS_OK;
}
