/*
 * Goal: no bytes make the reading of a dump or of a mapping crash or loop.
 * Method: the input as a mapping, then as the lines of a dump, row by row.
 */
#include "doctor/sql_dump.h"
#include "doctor/table_mapping.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum status taken(void *context, const struct sql_dump_row *row, struct error *out_error)
{
    (void)context; /* nothing is kept */
    (void)out_error;
    for (uint32_t i = 0; i < row->count && row->cells != NULL; i++) {
        static const struct table_zone zone = { { "+00:00", 6 } };
        struct table_value value;
        for (uint32_t type = 0; type < TABLE_TYPE_COUNT; type++)
            if (row->cells[i].data != NULL)
                (void)table_value_read((enum table_type)type, row->cells[i], &zone, &value);
    }
    return STATUS_OK;
}

static void dump_read(struct str rest)
{
    static struct sql_dump dump;
    const struct sql_dump_visitor visitor = { taken, taken, NULL, 7 };
    struct error error;
    struct str line;
    enum status status = sql_dump_init(&dump, &visitor, &error);
    while (status == STATUS_OK && str_take_line(&rest, &line))
        status = sql_dump_line(&dump, line, &error);
    if (status == STATUS_OK) (void)(sql_dump_end(&dump, &error) == STATUS_OK); /* or it says why */
    sql_dump_free(&dump);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct table_mapping mapping;
    struct str text = { (const char *)data, size };
    struct error error;
    struct arena arena;
    if (arena_init(&arena, 4 * TABLE_MAPPING_SIZE_MAX) == STATUS_OK)
        (void)(table_mapping_parse(text, &arena, &mapping, &error) ==
               STATUS_OK); /* or it says why */
    arena_done(&arena);
    dump_read(text);
    return 0;
}
