#include "tlog/checkpoint.h"

#include <stdio.h>

#include "base/base64.h"
#include "base/decimal.h"

static enum status not_a_checkpoint(struct error *out_error, const char *why)
{
    enum status status = error_set(out_error, STATUS_INVALID, "this is not a checkpoint of a log");
    error_detail(out_error, "%s", why);
    return status;
}

/* Whole lines, none of them empty. */
static bool are_lines(struct str lines)
{
    struct str line;
    while (str_take_line(&lines, &line)) {
        if (line.len == 0) return false;
    }
    return lines.len == 0;
}

static bool is_origin(struct str origin)
{
    return origin.len > 0 && origin.len <= CHECKPOINT_ORIGIN_LEN_MAX &&
           memchr(origin.data, '\n', origin.len) == NULL;
}

enum status checkpoint_parse(struct str text, struct checkpoint *out_checkpoint,
                             struct error *out_error)
{
    struct checkpoint checkpoint;
    struct str rest = text;
    struct str size;
    struct str root;
    if (text.len > CHECKPOINT_TEXT_SIZE_MAX) return not_a_checkpoint(out_error, "it is too long");
    if (!note_text_is_valid(text)) return not_a_checkpoint(out_error, "it is not plain text");
    if (!str_take_line(&rest, &checkpoint.origin) || !str_take_line(&rest, &size) ||
        !str_take_line(&rest, &root)) {
        return not_a_checkpoint(out_error, "it has less than three lines");
    }
    if (!is_origin(checkpoint.origin)) return not_a_checkpoint(out_error, "its origin is none");
    if (decimal_parse(size, TREE_SIZE_MAX, &checkpoint.head.size) != STATUS_OK) {
        return not_a_checkpoint(out_error, "its size is no number");
    }
    struct digest *hash = &checkpoint.head.root;
    if (base64_parse_exact(root, hash->bytes, sizeof hash->bytes) != STATUS_OK) {
        return not_a_checkpoint(out_error, "its root is no hash");
    }
    if (!are_lines(rest)) return not_a_checkpoint(out_error, "an extension line is empty");
    checkpoint.extensions = rest;
    *out_checkpoint = checkpoint;
    return STATUS_OK;
}

enum status checkpoint_format(const struct checkpoint *checkpoint, struct buf *text)
{
    if (!is_origin(checkpoint->origin) || !are_lines(checkpoint->extensions)) return STATUS_INVALID;
    if (checkpoint->head.size > TREE_SIZE_MAX) return STATUS_INVALID;
    if (checkpoint->extensions.len > 0 && !note_text_is_valid(checkpoint->extensions)) {
        return STATUS_INVALID;
    }
    char root[BASE64_TEXT_SIZE(sizeof checkpoint->head.root.bytes)];
    char room[CHECKPOINT_TEXT_SIZE_MAX + 1];
    int len = snprintf(room, sizeof room, "%.*s\n%llu\n%s\n%.*s", STR_ARG(checkpoint->origin),
                       (unsigned long long)checkpoint->head.size,
                       base64_format(checkpoint->head.root.bytes, 32, root).data,
                       STR_ARG(checkpoint->extensions));
    if (len < 0 || len > CHECKPOINT_TEXT_SIZE_MAX) return STATUS_LIMIT;
    struct str made = { room, (size_t)len };
    if (!note_text_is_valid(made)) return STATUS_INVALID;
    buf_append_str(text, made);
    return buf_status(text);
}

enum status checkpoint_open(const struct note *note, const struct note_key *key, struct str origin,
                            struct checkpoint *out_checkpoint, struct error *out_error)
{
    struct checkpoint checkpoint;
    enum status status = note_verify(note, key, out_error);
    if (status != STATUS_OK) return status;
    status = checkpoint_parse(note->text, &checkpoint, out_error);
    if (status != STATUS_OK) return status;
    if (!str_equal(checkpoint.origin, origin)) {
        status = error_set(out_error, STATUS_DENIED, "this is a checkpoint of another log");
        error_detail(out_error, "'%.*s', not '%.*s'", STR_ARG(checkpoint.origin), STR_ARG(origin));
        return status;
    }
    *out_checkpoint = checkpoint;
    return STATUS_OK;
}
