/* A ring of the lines that have something; a line leaves it when it is empty. */
#include "wallet/queue.h"

#include "base/check.h"
#include "base/hash.h"

uint32_t request_items(const struct request *request)
{
    bool many = request->kind == REQUEST_TRANSFERS || request->kind == REQUEST_ACCOUNTS;
    if (request->kind == REQUEST_PAYMENT) return PAYMENT_ITEMS;
    if (request->kind == REQUEST_ADMIN) return ADMIN_ITEMS;
    return many ? request->count : 1;
}

static uint32_t line_of(const struct request *request)
{
    return (uint32_t)(hash_uuid(request->principal.value, 0) % QUEUE_PRINCIPALS_MAX);
}

static bool line_in_ring(const struct queue *queue, uint32_t line)
{
    return queue->lines[line].first != NULL;
}

enum status queue_add(struct queue *queue, struct request *request)
{
    uint32_t items = request_items(request);
    if (queue->requests == QUEUE_REQUESTS_MAX) return STATUS_LIMIT;
    if (items > QUEUE_TRANSFERS_MAX - queue->items) return STATUS_LIMIT;
    uint32_t number = line_of(request);
    struct queue_line *line = &queue->lines[number];
    request->next = NULL;
    request->taken = 0;
    if (line_in_ring(queue, number)) {
        line->last->next = request;
    } else {
        line->first = request;
        if (queue->requests == 0) {
            line->next = number;
            queue->current = number;
            queue->previous = number;
        } else { /* its turn comes last */
            line->next = queue->current;
            queue->lines[queue->previous].next = number;
            queue->previous = number;
        }
    }
    line->last = request;
    queue->requests++;
    queue->items += items;
    return STATUS_OK;
}

static void turn_pass(struct queue *queue)
{
    queue->previous = queue->current;
    queue->current = queue->lines[queue->current].next;
}

/* Takes the current line's first request out; the line leaves the ring when it was the last. */
static void request_leave(struct queue *queue)
{
    struct queue_line *line = &queue->lines[queue->current];
    struct request *request = line->first;
    line->first = request->next;
    request->next = NULL;
    queue->requests--;
    if (line->first != NULL) {
        turn_pass(queue);
        return;
    }
    line->last = NULL;
    queue->lines[queue->previous].next = line->next;
    queue->current = line->next;
}

/* The longest run of whole units from `from` on, of at most `most` items; a first group may pass. */
static uint32_t whole_units(const struct request *request, uint32_t from, uint32_t most)
{
    uint32_t left = request_items(request) - from;
    bool one_unit = request->kind == REQUEST_PAYMENT || request->kind == REQUEST_ADMIN;
    if (one_unit) return left; /* it is not cut */
    if (request->kind != REQUEST_TRANSFERS) return left < most ? left : most;
    uint32_t whole = 0;
    for (uint32_t i = 0; i < left; i++) {
        bool linked = (request->transfers[from + i].flags & TRANSFER_FLAG_LINKED) != 0;
        if (linked) continue;
        if (i + 1 > most && whole > 0) break;
        whole = i + 1;
        if (whole >= most) break;
    }
    return whole;
}

bool queue_take(struct queue *queue, uint32_t items_max, struct queue_piece *out_piece)
{
    if (queue->requests == 0) return false;
    struct request *request = queue->lines[queue->current].first;
    uint32_t most = items_max < QUEUE_TURN_ITEMS ? items_max : QUEUE_TURN_ITEMS;
    if (most == 0) return false;
    uint32_t count = whole_units(request, request->taken, most);
    if (count > items_max) return false;
    *out_piece = (struct queue_piece){
        .request = request,
        .from = request->taken,
        .count = count,
    };
    request->taken += count;
    queue->items -= count;
    out_piece->last = request->taken == request_items(request);
    if (out_piece->last) {
        request_leave(queue);
    } else {
        turn_pass(queue);
    }
    return true;
}

struct request *queue_take_begun(struct queue *queue)
{
    for (uint64_t i = 0; i < queue->requests; i++) {
        struct request *request = queue->lines[queue->current].first;
        if (request->taken > 0) {
            queue->items -= request_items(request) - request->taken;
            request_leave(queue);
            return request;
        }
        turn_pass(queue);
    }
    return NULL;
}

struct request *queue_take_any(struct queue *queue)
{
    if (queue->requests == 0) return NULL;
    struct request *request = queue->lines[queue->current].first;
    queue->items -= request_items(request) - request->taken;
    request_leave(queue);
    return request;
}
