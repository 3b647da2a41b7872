/* Answers are compared with the durable journal, ends with the books of the PSP. */
#include "sim/payment_checkers.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "model/position.h"
#include "payment/chart.h"
#include "sandbox/check.h"
#include "sim/courier.h"

static void wrong(struct asking *asking, const char *what)
{
    const struct payment_command *command = asking->question->payment;
    verdict_violation(&asking->service->verdict, "%s (%s, answer %s %s, durable head %" PRIu64 ")",
                      what, payment_cause_name(command->cause), status_name(asking->request.status),
                      payment_outcome_code(asking->payment_result.outcome),
                      sim_disk_head(asking->service->disk));
}

static void told_once(struct asking *asking, uint32_t *first_answers)
{
    const struct payment_result *result = &asking->payment_result;
    if (result->repeated) {
        asking->told->repeats++;
        return;
    }
    *first_answers += 1;
    if (*first_answers > 1) wrong(asking, "two callers were told that they did it");
    if (result->position.batch <= asking->head_before)
        wrong(asking, "done before it was asked for");
}

/* Found by its id: the payment as it stood at some time. */
static void by_id_check(struct asking *asking)
{
    const struct payment_result *result = &asking->payment_result;
    const struct model_payments *twin = asking->service->journal.payments;
    const struct payment *draft = &asking->question->payment->draft;
    struct model_payment *known = model_payments_find(twin, draft->id.value);
    if (known == NULL) {
        wrong(asking, "an acknowledged payment is not in the journal");
        return;
    }
    if (!model_payment_stood(known, &result->payment)) wrong(asking, "it never stood so");
    if (result->outcome == PAYMENT_OUTCOME_ID_CONFLICT) {
        bool same = money_equal(known->newest.amount, draft->amount) &&
                    known->newest.kind == draft->kind && known->newest.asset == draft->asset &&
                    known->newest.code == draft->code &&
                    known->newest.counter_asset == draft->counter_asset &&
                    uuid_equal(known->newest.parent.value, draft->parent.value) &&
                    uuid_equal(known->newest.wallet.value, draft->wallet.value) &&
                    uuid_equal(known->newest.counter.value, draft->counter.value) &&
                    strcmp(known->newest.method, draft->method) == 0;
        if (same) wrong(asking, "an id conflict with the same content");
        return;
    }
    if (result->outcome != known->outcome) wrong(asking, "another outcome than journaled");
    if (!result->repeated && uuid_is_nil(asking->request.key)) {
        told_once(asking, &known->first_answers);
    } else if (result->repeated) {
        asking->told->repeats++;
    }
}

static void by_key_check(struct asking *asking, struct model_answer *answer)
{
    const struct payment_result *result = &asking->payment_result;
    if (!uuid_equal(answer->fingerprint, asking->request.fingerprint)) {
        wrong(asking, "a key is answered for another content");
    }
    if (answer->hash != model_payment_hash(&result->payment)) {
        wrong(asking, "a key has another answer than journaled");
    }
    if (answer->outcome != result->outcome || answer->ledger_outcome != result->ledger_outcome) {
        wrong(asking, "a key has another outcome than journaled");
    }
    if (answer->position.batch != result->position.batch ||
        answer->position.index != result->position.index) {
        wrong(asking, "a key has another position than journaled");
    }
    told_once(asking, &answer->first_answers);
}

void check_payment(struct asking *asking)
{
    const struct payment_result *result = &asking->payment_result;
    const struct model_payments *twin = asking->service->journal.payments;
    CHECK(result->outcome < PAYMENT_OUTCOME_COUNT);
    asking->told->payments++;
    asking->told->payment_outcomes[result->outcome]++;
    if (result->position.batch > sim_disk_head(asking->service->disk)) {
        wrong(asking, "what is not durable was answered");
        return;
    }
    struct model_answer *answer = model_payments_answer(twin, asking->request.key);
    if (answer != NULL) {
        by_key_check(asking, answer);
    } else if (asking->question->payment->cause == PAYMENT_CAUSE_CREATE &&
               !uuid_is_nil(asking->question->payment->draft.id.value)) {
        by_id_check(asking);
    } else {
        wrong(asking, "an acknowledged command is not in the journal");
    }
}

static bool is_journaled(const struct service *service, const struct question *question)
{
    const struct model_payments *twin = service->journal.payments;
    if (!uuid_is_nil(question->key)) return model_payments_answer(twin, question->key) != NULL;
    return model_payments_find(twin, question->payment->draft.id.value) != NULL;
}

/* An earlier attempt, lost or in doubt, may have done it: that is no news. */
void check_payment_undone(struct asking *asking)
{
    if (!asking->question->fresh) return;
    asking->question->absent[0] = !is_journaled(asking->service, asking->question);
    if (asking->question->absent[0]) return;
    const struct model_payments *twin = asking->service->journal.payments;
    const struct model_answer *answer = model_payments_answer(twin, asking->question->key);
    if (answer != NULL && answer->position.batch > asking->head_before) {
        wrong(asking, "answered as not done, and it was done");
    }
}

void check_payment_abandoned(struct service *service, const struct question *question)
{
    if (!question->absent[0] || !is_journaled(service, question)) return;
    verdict_violation(&service->verdict, "a command was answered as not done, and done later");
}

const char *payments_read_fault(const struct asking *asking, struct position at)
{
    const struct model_payments *twin = asking->service->journal.payments;
    const struct read *read = &asking->read;
    for (uint32_t i = 0; i < read->count; i++) {
        const struct model_payment *known = model_payments_find(twin, read->ids[i]);
        bool shown = !uuid_is_nil(read->payments[i].id.value);
        if (known == NULL) {
            if (shown || !locator_is_none(read->locators[i])) return "a payment that is not there";
            continue;
        }
        if (position_after(known->newest_of, at)) continue; /* it moved since */
        if (read->locators[i].packed != known->newest_at.packed) return "another newest record";
        if (shown != payment_is_open(&known->newest)) return "a payment is open, or is not";
        if (!shown) continue;
        if (model_payment_hash(&read->payments[i]) != model_payment_hash(&known->newest)) {
            return "another payment is shown";
        }
    }
    return NULL;
}

/* ---- The end ---- */

/*
 * Why a payment may wait for a person when all faults are over. Nobody but a person can tell:
 * - amount_differs: the PSP named another amount than was ordered.
 * - key_window_over: the order is not found, and may not be sent again.
 * - psp_unreachable, pending_for_too_long, in_doubt_for_too_long: it could not be sent, decided
 *   or found out for so long.
 * - reservation_expired, already_captured: a release was refused; the PSP had let go before.
 * - done_after_it_was_failed: a person was too quick, and the PSP says otherwise.
 * - ..._frozen: the money is there, and the account that it is for does not take it.
 */
bool payment_manual_excused(const struct payment *payment)
{
    static const char *const reasons[] = {
        "amount_differs",           "key_window_over",       "psp_unreachable",
        "pending_for_too_long",     "in_doubt_for_too_long", "reservation_expired",
        "already_captured",         "debit_account_frozen",  "credit_account_frozen",
        "done_after_it_was_failed",
    };
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (strcmp(payment->reason, reasons[i]) == 0) return true;
    }
    return false;
}

static void payment_wrong(struct service *service, const struct payment *payment, const char *what)
{
    char id[UUID_TEXT_LEN + 1];
    uuid_format(payment->id.value, id);
    verdict_violation(&service->verdict, "at the end: %s (%s %s, %s %s, step %u %s, %" PRIu64 ")",
                      what, payment_kind_name(payment->kind), id,
                      payment_state_name(payment->state), payment->reason, payment->step_number,
                      payment->step == 0 ? "none" : psp_operation_name(payment->step),
                      (uint64_t)payment->amount.minor);
}

/* What the PSP has done of a payment. */
struct deeds {
    uint32_t done[PSP_OPERATION_END]; /* orders that stand */
    struct money captured;
    bool reserved; /* something still is */
};

static struct deeds deeds_of(const struct sandbox *books, const struct payment *payment)
{
    struct deeds deeds = { 0 };
    for (uint32_t step = 1; step <= payment->step_number; step++) {
        uint32_t place = sandbox_find(books, payment->id, step);
        if (place == SANDBOX_NONE) continue;
        const struct sandbox_item *item = sandbox_item(books, place);
        bool stands = item->state == SANDBOX_DONE || item->state == SANDBOX_RESERVED ||
                      item->state == SANDBOX_CANCELLED;
        deeds.reserved = deeds.reserved || item->state == SANDBOX_RESERVED;
        if (!stands) continue;
        deeds.done[item->kind]++;
        if (item->kind == PSP_CAPTURE) deeds.captured.minor += item->amount.minor;
    }
    return deeds;
}

static const char *merchant_fault(const struct payment *payment, const struct deeds *deeds)
{
    if (deeds->done[PSP_AUTHORISE] > 1) return "it is reserved twice";
    if (!money_equal(deeds->captured, payment->captured)) return "the PSP has captured another sum";
    if (deeds->reserved) return "the PSP still reserves something";
    bool failed = payment->state == PAYMENT_STATE_FAILED;
    if (failed && deeds->done[PSP_AUTHORISE] > 0) return "it failed, and the PSP has reserved it";
    return NULL;
}

static const char *psp_fault(const struct payment *payment, const struct deeds *deeds)
{
    bool succeeded = payment->state == PAYMENT_STATE_SUCCEEDED;
    uint8_t operation = 0;
    switch ((enum payment_kind)payment->kind) {
    case PAYMENT_PAY_IN: operation = PSP_CHARGE; break;
    case PAYMENT_PAY_OUT: operation = PSP_PAY_OUT; break;
    case PAYMENT_REFUND: operation = PSP_REFUND; break;
    case PAYMENT_MERCHANT: return merchant_fault(payment, deeds);
    case PAYMENT_WALLET:
    case PAYMENT_EXCHANGE:
    case PAYMENT_CHARGEBACK:
    case PAYMENT_KIND_END: return NULL;
    }
    if (deeds->done[operation] > 1) return "the PSP has done it twice";
    if (succeeded && deeds->done[operation] == 0)
        return "it succeeded, and the PSP has not done it";
    if (!succeeded && deeds->done[operation] > 0)
        return "the PSP has done it, and it did not succeed";
    return NULL;
}

static void payment_at_rest(struct service *service, const struct sandbox *books,
                            const struct model_payment *known)
{
    const struct payment *payment = &known->newest;
    if (known->outcome != PAYMENT_OUTCOME_OK) return;
    bool waits = payment->kind == PAYMENT_CHARGEBACK && payment->state == PAYMENT_STATE_OPENED;
    if (payment_is_open(payment) && !waits) {
        payment_wrong(service, payment, "it never came to its end");
        return;
    }
    if (!money_is_zero(payment->refund_pending)) payment_wrong(service, payment, "a refund pends");
    if (!uuid_is_nil(payment->hold.value)) payment_wrong(service, payment, "its hold is open");
    if (payment->psp[0] == '\0') return;
    struct deeds deeds = deeds_of(books, payment);
    const char *fault = psp_fault(payment, &deeds);
    if (fault != NULL) payment_wrong(service, payment, fault);
}

/* What a chargeback has come to, with us and with them. */
static const char *chargeback_fault(const struct service *service, const struct sandbox_item *item,
                                    struct payment_id id)
{
    const struct model_payment *known = model_payments_find(service->journal.payments, id.value);
    if (known == NULL) return "the wallet knows nothing of it";
    if (known->outcome != PAYMENT_OUTCOME_OK) return "the wallet has refused it";
    if (!money_equal(known->newest.amount, item->amount)) return "the wallet has another amount";
    if (known->newest.state != courier_dispute_state(item->state)) return "its state differs";
    return NULL;
}

/* Every order that the PSP has must be one of a payment's. */
static void items_check(struct service *service, const struct sandbox *books)
{
    for (uint32_t i = 0; i < books->item_count; i++) {
        const struct sandbox_item *item = sandbox_item(books, i);
        if (item->kind == SANDBOX_CHARGEBACK) {
            const char *fault = chargeback_fault(service, item, courier_dispute_id(books, i));
            if (fault != NULL) {
                verdict_violation(&service->verdict, "at the end: a chargeback, %s: %s",
                                  sandbox_state_name((enum sandbox_state)item->state), fault);
            }
            continue;
        }
        const struct model_payment *known =
            model_payments_find(service->journal.payments, item->payment.value);
        if (known == NULL) {
            verdict_violation(&service->verdict, "at the end: the PSP has an order of no payment");
        } else if (item->step_number > known->newest.step_number) {
            payment_wrong(service, &known->newest, "the PSP has a step that was never taken");
        }
    }
}

void check_payments_at_rest(struct service *service, struct sim_acquirer *acquirer)
{
    const struct model_payments *twin = service->journal.payments;
    for (uint32_t i = 0; i < twin->payment_count; i++) {
        payment_at_rest(service, &acquirer->books, &twin->payments[i]);
    }
    items_check(service, &acquirer->books);
}

/* ---- Books ---- */

/* Debits less credits. */
static __int128 balance_of(const struct service *service, struct account_id id)
{
    uint32_t place = model_account_find(service->model, id);
    if (place == MODEL_NONE) return 0;
    const struct balance *balance = &service->model->accounts[place].state.balance;
    return (__int128)balance->debits_posted.minor - (__int128)balance->credits_posted.minor;
}

/* Credits less debits. */
static __int128 book_of(const struct book_page *page, enum book_account account)
{
    struct book_balance balance = book_balance(page, account);
    __int128 amount = (__int128)balance.amount.minor;
    return balance.negative ? -amount : amount;
}

static void account_compare(struct service *service, const struct book_page *page,
                            enum chart_role role, __int128 expected)
{
    const char *psp = role == CHART_CLEARING ? SIM_PSP_NAME : "";
    __int128 ours = balance_of(service, chart_account_id(LANE_ALONE, page->asset, role, psp));
    if (ours == expected) return;
    verdict_violation(
        &service->verdict,
        "at the end: the books differ: asset %u, %s is %lld, the PSP's books say %lld", page->asset,
        chart_role_name(role), (long long)ours, (long long)expected);
}

void check_books(struct service *service, struct sim_acquirer *acquirer)
{
    const struct book *book = &acquirer->books.book;
    if (book_check(book) != STATUS_OK || sandbox_check(&acquirer->books) != STATUS_OK) {
        verdict_violation(&service->verdict, "the PSP's own books do not agree with themselves");
    }
    for (uint32_t i = 0; i < book->count; i++) {
        const struct book_page *page = &book->pages[i];
        account_compare(service, page, CHART_CLEARING, book_of(page, BOOK_MERCHANT));
        account_compare(service, page, CHART_BANK, book_of(page, BOOK_SETTLED));
        account_compare(service, page, CHART_FEES, book_of(page, BOOK_FEES));
        account_compare(service, page, CHART_SUSPENSE, 0);
    }
}
