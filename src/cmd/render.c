/* Columns are as wide as their widest cell; cells are kept until all are known. */
#include "cmd/render.h"

#include "base/check.h"
#include "cmd/answer.h"

struct table {
    const struct render_column *columns;
    uint32_t column_count;
    size_t widths[RENDER_COLUMNS_MAX];
    struct buf cells; /* struct str, row by row */
    uint64_t rows;
};

static void pad(struct buf *out, size_t count)
{
    while (count-- > 0) buf_append_byte(out, ' ');
}

static void pairs_append(const struct answer_object *object, struct buf *out)
{
    size_t width = 0;
    for (uint32_t i = 0; i < object->count; i++)
        if (object->fields[i].path.len > width) width = object->fields[i].path.len;
    for (uint32_t i = 0; i < object->count; i++) {
        const struct answer_field *field = &object->fields[i];
        buf_append_str(out, field->path);
        pad(out, width + 2 - field->path.len);
        buf_append_str(out, field->text);
        buf_append_byte(out, '\n');
    }
}

enum status render_object(struct str json, struct buf *out)
{
    struct arena arena;
    enum status status = arena_init(&arena, answer_arena_size(json));
    if (status != STATUS_OK) return status;
    struct answer_object object;
    status = answer_read(json, &arena, &object);
    if (status == STATUS_OK) pairs_append(&object, out);
    arena_done(&arena);
    return status != STATUS_OK ? status : buf_status(out);
}

static bool row_add(void *argument, const struct answer_object *item)
{
    struct table *table = argument;
    for (uint32_t i = 0; i < table->column_count; i++) {
        struct str cell = answer_text(item, table->columns[i].path);
        if (cell.len > table->widths[i]) table->widths[i] = cell.len;
        buf_append(&table->cells, &cell, sizeof(cell));
    }
    table->rows++;
    return true;
}

static void cell_append(const struct table *table, uint32_t column, struct str text,
                        struct buf *out)
{
    size_t space = table->widths[column] - text.len;
    bool last = column + 1 == table->column_count;
    if (table->columns[column].right) pad(out, space);
    buf_append_str(out, text);
    if (!table->columns[column].right && !last) pad(out, space);
    if (last)
        buf_append_byte(out, '\n');
    else
        pad(out, 2);
}

static void table_append(const struct table *table, struct buf *out)
{
    for (uint32_t i = 0; i < table->column_count; i++)
        cell_append(table, i, str_from(table->columns[i].title), out);
    const struct str *cells = (const struct str *)(const void *)table->cells.data;
    for (uint64_t row = 0; row < table->rows; row++)
        for (uint32_t i = 0; i < table->column_count; i++)
            cell_append(table, i, cells[row * table->column_count + i], out);
}

enum status render_table(struct str json, const char *list, const struct render_column *columns,
                         struct buf *out)
{
    struct table table = { .columns = columns };
    for (; columns[table.column_count].path != NULL; table.column_count++) {
        CHECK(table.column_count < RENDER_COLUMNS_MAX);
        table.widths[table.column_count] = str_from(columns[table.column_count].title).len;
    }
    struct arena arena;
    enum status status = arena_init(&arena, answer_arena_size(json));
    if (status != STATUS_OK) return status;
    buf_init(&table.cells, 64 << 20);
    struct answer_object rest;
    status = answer_read_list(json, &(struct answer_list){ list, row_add, &table }, &arena, &rest);
    if (status == STATUS_OK) status = buf_status(&table.cells);
    if (status == STATUS_OK) {
        table_append(&table, out);
        if (table.rows == 0) buf_append_str(out, STR("(none)\n"));
        buf_append_byte(out, '\n');
        pairs_append(&rest, out);
        status = buf_status(out);
    }
    buf_free(&table.cells);
    arena_done(&arena);
    return status;
}
