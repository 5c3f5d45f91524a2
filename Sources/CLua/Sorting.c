// A merge sort that counts its steps, unlike the C library's.

#include "Engine.h"

static void merge(lua_State *L, const char *from, char *to, size_t low, size_t middle, size_t high, size_t bytes,
                  element_order order) {
    size_t left = low, right = middle;
    for (size_t at = low; at < high; at++) {
        spend(L, 1);
        bool takes_right = left >= middle
            || (right < high && order(L, from + right * bytes, from + left * bytes) < 0);
        size_t *taken = takes_right ? &right : &left;
        memcpy(to + at * bytes, from + *taken * bytes, bytes);
        ++*taken;
    }
}

void sort_elements(lua_State *L, void *elements, size_t count, size_t bytes, element_order order) {
    char *from = elements, *to = lua_newuserdatauv(L, count * bytes + 1, 0);
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t low = 0; low < count; low += 2 * width) {
            size_t middle = low + width < count ? low + width : count;
            size_t high = middle + width < count ? middle + width : count;
            merge(L, from, to, low, middle, high, bytes, order);
        }
        char *sorted = to;
        to = from;
        from = sorted;
    }
    if (from != elements) memcpy(elements, from, count * bytes);
    lua_pop(L, 1);
}

int order_texts(lua_State *L, const char *left, size_t left_count, const char *right, size_t right_count) {
    size_t count = left_count < right_count ? left_count : right_count;
    spend_bytes(L, count);
    int order = memcmp(left, right, count);
    if (order != 0) return order;
    return left_count < right_count ? -1 : left_count > right_count;
}
