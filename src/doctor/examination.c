#include "doctor/examination.h"

#include "base/check.h"

struct evidence_cell row_cell(const struct row *row, enum doctor_column column)
{
    int8_t place = row->query->columns[column];
    if (place < 0) return (struct evidence_cell){ .type = EVIDENCE_CELL_NULL };
    return row->cells[place];
}

int text_compare(struct str a, struct str b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.data, b.data, len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

struct str text_keep(struct arena *arena, struct str text)
{
    char *copy = arena_take(arena, text.len + 1);
    if (copy == NULL) return (struct str){ NULL, 0 };
    if (text.len > 0) memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    return (struct str){ copy, text.len };
}

bool row_text(const struct row *row, enum doctor_column column, struct arena *arena,
              struct str *out_text)
{
    struct evidence_cell cell = row_cell(row, column);
    char digits[DELTA_TEXT_SIZE];
    *out_text = STR("");
    if (cell.type == EVIDENCE_CELL_NULL) return true;
    struct str text = cell.type == EVIDENCE_CELL_TEXT
                          ? cell.text
                          : delta_format((struct delta){ cell.number }, digits);
    *out_text = text_keep(arena, text);
    return out_text->data != NULL;
}

struct evidence_cell delta_cell(struct delta delta, char text[DELTA_TEXT_SIZE])
{
    if (delta.minor >= INT64_MIN && delta.minor <= INT64_MAX)
        return (struct evidence_cell){ .type = EVIDENCE_CELL_NUMBER,
                                       .number = (int64_t)delta.minor };
    return (struct evidence_cell){ .type = EVIDENCE_CELL_TEXT, .text = delta_format(delta, text) };
}

bool cell_delta(const struct evidence_cell *cell, struct delta *out_delta)
{
    if (cell->type == EVIDENCE_CELL_NUMBER) {
        out_delta->minor = cell->number;
        return true;
    }
    return cell->type == EVIDENCE_CELL_TEXT && delta_parse(cell->text, out_delta) == STATUS_OK;
}

int64_t row_number(const struct row *row, enum doctor_column column)
{
    struct evidence_cell cell = row_cell(row, column);
    return cell.type == EVIDENCE_CELL_NUMBER ? cell.number : 0;
}

/* ---- queries ---- */

enum status examine_ask(struct examination *examination, uint32_t handle,
                        struct evidence_arguments arguments, evidence_visit *visit, void *context,
                        bool *out_failed)
{
    struct evidence *evidence = examination->doctor->evidence;
    struct error ignored; /* of the query: it only means that its answer is not known */
    enum status status = evidence->run(evidence, handle, arguments, visit, context, &ignored);
    *out_failed = status == STATUS_INVALID || status == STATUS_LIMIT;
    if (status == STATUS_OK || *out_failed) return STATUS_OK;
    *examination->error = ignored;
    return status;
}

enum status examine_run(struct examination *examination, uint32_t query,
                        const struct instance *instance, evidence_visit *visit, void *context,
                        bool *out_failed)
{
    struct evidence_argument arguments[EVIDENCE_ARGUMENTS_MAX];
    uint32_t count = 0;
    if (instance != NULL) {
        for (; count < instance->parameter_count; count++) {
            const struct parameter *parameter = &instance->parameters[count];
            arguments[count] = (struct evidence_argument){ parameter->name, parameter->value };
        }
    }
    return examine_ask(examination, examination->doctor->queries[query].handle,
                       (struct evidence_arguments){ arguments, count }, visit, context, out_failed);
}

uint64_t examine_lacking(struct examination *examination, uint64_t kinds, int64_t ts_ns)
{
    if (ts_ns == EVIDENCE_ALL_TIME) return kinds & ~examination->covered;
    struct evidence *evidence = examination->doctor->evidence;
    uint64_t lacking = 0;
    for (uint64_t rest = kinds & ~examination->covered; rest != 0; rest &= rest - 1) {
        uint32_t kind = (uint32_t)__builtin_ctzll(rest);
        if (evidence->coverage(evidence, kind, ts_ns) != EVIDENCE_COVERED) {
            lacking |= UINT64_C(1) << kind;
        }
    }
    return lacking;
}

enum status examine_add_finding(struct examination *examination, const struct finding *finding)
{
    uint32_t count = (uint32_t)(examination->findings.len / sizeof *finding);
    if (count == DIAGNOSIS_FINDINGS_MAX) {
        examination->out->truncated = true;
        return STATUS_OK;
    }
    buf_append(&examination->findings, finding, sizeof *finding);
    return buf_status(&examination->findings);
}
