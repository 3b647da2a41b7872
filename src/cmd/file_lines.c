#include "cmd/file_lines.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "cmd/file_bytes.h"

enum { TREE_FACTOR = 25 }; /* of json_tree_parse(), with room for small documents */

static enum status lines_take(FILE *input, struct buf *window, const struct file_visitor *visitor,
                              uint64_t *passed_over)
{
    char *line = (char *)window->data;
    bool too_long = false;
    uint64_t number = 1;
    while (fgets(line, (int)window->len, input) != NULL) {
        size_t len = strlen(line);
        bool ends = len > 0 && line[len - 1] == '\n';
        bool whole = ends || feof(input) != 0;
        enum status status = STATUS_OK;
        if (visitor->out_number != NULL) *visitor->out_number = number;
        number += whole;
        if (too_long || !whole)
            *passed_over += whole;
        else if (len > ends)
            status = visitor->line(visitor->owner, (struct str){ line, len - ends });
        if (status != STATUS_OK) return status;
        too_long = !whole;
    }
    return STATUS_OK;
}

enum status file_lines_read(const char *path, size_t size_max, const struct file_visitor *visitor,
                            uint64_t *out_passed_over, struct error *out_error)
{
    CHECK(size_max < INT32_MAX - 2);
    FILE *input = fopen(path, "re");
    if (input == NULL)
        return error_set(out_error, STATUS_NOT_FOUND, "cannot open %s: %s", path, strerror(errno));
    BUF_SCOPE struct buf window;
    buf_init(&window, size_max + 2);
    enum status status;
    uint64_t passed_over = 0;
    if (buf_extend(&window, size_max + 2) == NULL)
        status = error_set(out_error, STATUS_LIMIT, "no memory");
    else
        status = lines_take(input, &window, visitor, &passed_over);
    if (status == STATUS_OK && ferror(input) != 0)
        status = error_set(out_error, STATUS_UNAVAILABLE, "%s cannot be read", path);
    (void)fclose(input); /* only read from */
    if (status == STATUS_OK) *out_passed_over = passed_over;
    return status;
}

/* ---- documents ---- */

struct documents {
    const struct file_visitor *visitor;
    struct arena arena;
    bool begun; /* the first line was a document */
    bool single;
    uint64_t rejected;
};

/* The first line decides whether there is a document on each. */
static enum status line_take(void *owner, struct str line)
{
    struct documents *all = owner;
    const struct json_node *root;
    arena_reset(&all->arena);
    if (json_tree_parse(line, &all->arena, &root, NULL) == STATUS_OK) {
        all->begun = true;
        return all->visitor->document(all->visitor->owner, root);
    }
    all->single = !all->begun;
    all->rejected++;
    return all->single ? STATUS_CONFLICT : STATUS_OK;
}

static enum status whole_read(struct documents *all, const char *path, struct error *out_error)
{
    BUF_SCOPE struct buf text;
    struct error error;
    const struct json_node *root;
    buf_init(&text, FILE_DOCUMENT_SIZE_MAX);
    enum status status = file_bytes_read(path, &text, out_error);
    if (status != STATUS_OK) return status;
    arena_done(&all->arena);
    status = arena_init(&all->arena, TREE_FACTOR * text.len + (1 << 16));
    if (status != STATUS_OK) return error_set(out_error, status, "no memory");
    status = json_tree_parse(buf_view(&text), &all->arena, &root, &error);
    if (status == STATUS_OK) return all->visitor->document(all->visitor->owner, root);
    return error_set(out_error, STATUS_INVALID, "%s is no JSON, nor is its first line: %s", path,
                     error.message);
}

enum status file_documents_read(const char *path, const struct file_visitor *visitor,
                                uint64_t *out_rejected, struct error *out_error)
{
    struct documents all = { .visitor = visitor };
    const struct file_visitor lines = {
        .line = line_take,
        .owner = &all,
        .out_number = visitor->out_number,
    };
    uint64_t passed_over = 0;
    enum status status = arena_init(&all.arena, TREE_FACTOR * (size_t)FILE_DOCUMENT_LINE_MAX);
    if (status != STATUS_OK) return error_set(out_error, status, "no memory");
    status = file_lines_read(path, FILE_DOCUMENT_LINE_MAX, &lines, &passed_over, out_error);
    bool single = all.single || (status == STATUS_OK && !all.begun && passed_over > 0);
    if (single && visitor->out_number != NULL) *visitor->out_number = 0;
    if (single) status = whole_read(&all, path, out_error);
    arena_done(&all.arena);
    if (status == STATUS_OK) *out_rejected = single ? 0 : all.rejected + passed_over;
    return status;
}
