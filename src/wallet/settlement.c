/* One line after the other: a statement is small, and each line waits only for its commit. */
#include "wallet/settlement.h"

#include <string.h>

#include "base/check.h"
#include "crypto/digest.h"
#include "payment/chart.h"

enum {
    PAGE_LINES = 200,
    TRIES_MAX = 32, /* of a line that the ledger refuses, over all times that its day is booked */
};

/* What a line is booked as, and how often the ledger has refused that. */
struct
try {
    char domain;
    uint8_t number;
};

static struct uuid key_of(const struct settlement_options *options, const struct psp_line *line,
                          struct try try)
{
    const char *name = options->psp->traits.name;
    const struct digest_part parts[] = {
        { &try.domain, 1 },
        { name, strlen(name) + 1 },
        { line->id, strlen(line->id) + 1 },
        { &try.number, try.number > 0 },
    };
    struct digest digest = digest_of_parts(parts, sizeof parts / sizeof parts[0]);
    struct uuid key;
    memcpy(&key, digest.bytes, sizeof key);
    return key;
}

/* A line that says something else under the same id is a conflict. */
static struct uuid fingerprint_of(const struct psp_line *line)
{
    const struct digest_part parts[] = {
        { line->reference, strlen(line->reference) + 1 },
        { &line->kind, sizeof line->kind },
        { &line->asset, sizeof line->asset },
        { &line->gross, sizeof line->gross },
        { &line->fee, sizeof line->fee },
    };
    struct digest digest = digest_of_parts(parts, sizeof parts / sizeof parts[0]);
    struct uuid fingerprint;
    memcpy(&fingerprint, digest.bytes, sizeof fingerprint);
    return fingerprint;
}

static struct request request_of(struct lane *lane, const struct settlement_options *options,
                                 const struct psp_line *line, struct try try)
{
    return (struct request){
        .route = options->route,
        .principal = options->principal,
        .trace = options->trace,
        .key = key_of(options, line, try),
        .fingerprint = fingerprint_of(line),
        .root = lane_new_id(lane),
    };
}

static void odd(const struct settlement_options *options, const struct psp_line *line,
                const char *reason)
{
    if (options->odd != NULL) options->odd(options->context, line, reason);
}

static bool pays_us(uint8_t kind)
{
    return kind == PSP_LINE_CHARGE || kind == PSP_LINE_CHARGEBACK_REVERSAL ||
           kind == PSP_LINE_REFUND_FAILURE || kind == PSP_LINE_PAY_OUT_RETURN;
}

/*
 * A refusal is the same for ever under its key, and the reason need not be (an account of the
 * chart was frozen, or is made by now): what was refused another time is tried anew.
 */
static bool try_again(struct try *try, bool refused, bool repeated)
{
    if (!refused || !repeated || try->number == TRIES_MAX) return false;
    try->number++;
    return true;
}

/* Money at the bank that no payment of ours explains. */
static enum status suspense_book(struct lane *lane, const struct settlement_options *options,
                                 const struct psp_line *line, struct settlement_report *report)
{
    bool pays = pays_us(line->kind);
    struct lane_part part = lane_part(lane);
    struct account_id bank = chart_account_id(part, line->asset, CHART_BANK, "");
    struct account_id suspense = chart_account_id(part, line->asset, CHART_SUSPENSE, "");
    struct transfer transfers[2];
    memset(transfers, 0, sizeof transfers);
    uint32_t count = 0;
    if (!money_is_zero(line->gross)) {
        transfers[count++] = (struct transfer){ .debit = pays ? bank : suspense,
                                                .credit = pays ? suspense : bank,
                                                .amount = line->gross };
    }
    if (!money_is_zero(line->fee)) {
        transfers[count++] =
            (struct transfer){ .debit = chart_account_id(part, line->asset, CHART_FEES, ""),
                               .credit = bank,
                               .amount = line->fee };
    }
    if (count == 0) return STATUS_OK;
    for (uint32_t i = 0; i < count; i++) {
        transfers[i].kind = TRANSFER_DIRECT;
        transfers[i].asset = line->asset;
    }
    if (count == 2) transfers[0].flags = TRANSFER_FLAG_LINKED;
    struct transfer_result results[2];
    struct try try = { 's', 0 };
    bool done;
    do {
        struct request request = request_of(lane, options, line, try);
        request.kind = REQUEST_TRANSFERS;
        request.count = count;
        request.transfers = transfers;
        request.transfer_results = results;
        enum status status = lane_run(lane, &request);
        if (status != STATUS_OK) return status;
        done = results[count - 1].outcome == OUTCOME_OK && results[0].outcome == OUTCOME_OK;
    } while (try_again(&try, !done, results[0].repeated));
    if (!done) {
        report->refused++;
        odd(options, line, outcome_code(results[0].outcome));
        return STATUS_OK;
    }
    report->repeated += results[0].repeated;
    report->unmatched += !results[0].repeated;
    odd(options, line, "in_suspense");
    return STATUS_OK;
}

/* STATUS_NOT_FOUND: there is no such payment, or it is not one that this line can be about. */
static enum status payment_book(struct lane *lane, const struct settlement_options *options,
                                const struct psp_line *line, struct settlement_report *report)
{
    struct payment_command command = {
        .cause = PAYMENT_CAUSE_SETTLE,
        .line_kind = line->kind,
        .amount = line->gross,
        .fee = line->fee,
        .draft.asset = line->asset,
    };
    memcpy(command.draft.psp, options->psp->traits.name, strlen(options->psp->traits.name));
    uint32_t step_number;
    struct str reference = str_from(line->reference);
    if (!psp_key_parse(reference, &command.id, &step_number)) return STATUS_NOT_FOUND;
    struct payment_result result;
    struct try try = { 'p', 0 };
    do {
        struct request request = request_of(lane, options, line, try);
        request.kind = REQUEST_PAYMENT;
        request.count = 1;
        request.payment = &command;
        request.payment_result = &result;
        enum status status = lane_run(lane, &request);
        if (status != STATUS_OK) return status;
    } while (try_again(&try, result.outcome == PAYMENT_OUTCOME_LEDGER, result.repeated));
    if (result.outcome == PAYMENT_OUTCOME_OK) {
        report->repeated += result.repeated;
        report->booked += !result.repeated;
        return STATUS_OK;
    }
    if (result.outcome != PAYMENT_OUTCOME_LEDGER) return STATUS_NOT_FOUND;
    report->refused++;
    odd(options, line, payment_outcome_code(result.outcome));
    return STATUS_OK;
}

/* In one lane, always the same: so that what is booked twice is a repeat. */
static bool is_own(const struct lane *lane, const struct psp_line *line)
{
    struct payment_id payment;
    uint32_t step_number;
    struct lane_part part = lane_part(lane);
    bool refers = psp_key_parse(str_from(line->reference), &payment, &step_number);
    return part.lane == (refers ? lane_of_payment(payment, part.lanes) : 0);
}

static enum status line_book(struct lane *lane, const struct settlement_options *options,
                             const struct psp_line *line, struct settlement_report *report)
{
    if (!is_own(lane, line)) {
        report->elsewhere++;
        return STATUS_OK;
    }
    report->lines++;
    enum status status = payment_book(lane, options, line, report);
    if (status == STATUS_NOT_FOUND) status = suspense_book(lane, options, line, report);
    if (status != STATUS_CONFLICT) return status;
    report->refused++;
    odd(options, line, "line_changed"); /* the same id said something else before */
    return STATUS_OK;
}

enum status settlement_run(struct lane *lane, const struct settlement_options *options,
                           struct settlement_report *out_report, struct error *out_error)
{
    struct psp *psp = options->psp;
    struct settlement_report report = { 0 };
    struct psp_part part = { .day = options->day, .limit = PAGE_LINES };
    for (;;) {
        struct psp_line lines[PAGE_LINES];
        uint32_t count = 0;
        enum status status = psp->statement(psp, &part, lines, &count, out_error);
        for (uint32_t i = 0; i < count && status == STATUS_OK; i++) {
            status = line_book(lane, options, &lines[i], &report);
            if (status != STATUS_OK) {
                status = error_set(out_error, status, "line %s could not be booked: %s",
                                   lines[i].id, status_text(status));
            }
        }
        if (status != STATUS_OK) return status;
        part.from += count;
        if (count < PAGE_LINES) break;
    }
    *out_report = report;
    return STATUS_OK;
}
