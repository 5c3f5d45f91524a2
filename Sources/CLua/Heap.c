// Small blocks lie in slabs of 16 KiB, which lie in segments of 1 MiB, so that an address says where its slab is. A slab that
// is empty can be taken by any size class. Large blocks are malloc's, very large ones are mapped; both are in a list.

#define _GNU_SOURCE
#include "Heap.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static const size_t segment_bytes = 1 << 20;
enum { slab_bytes = 16 * 1024, slabs_per_segment = (1 << 20) / slab_bytes };
/// From here on blocks are pages of their own: they grow without being copied, and go back to the system at once.
static const size_t mapped_bytes_min = 512 * 1024;

struct slab {
    struct slab *next;
    struct slab *previous;
    char *start;
    void *freed;
    /// Blocks in use, and how many were ever given out: what lies behind has never been touched.
    unsigned used;
    unsigned begun;
    unsigned capacity;
};

/// At the start of its first slab, which holds nothing else.
struct segment {
    struct segment *next;
    struct slab slabs[slabs_per_segment];
};

/// In front of its block. Its size is a multiple of 16, which is what Lua's objects are aligned to.
struct large {
    struct large *next;
    struct large *previous;
    size_t bytes;
    size_t padding;
};

static size_t rounded(size_t bytes) {
    return (bytes + 15) & ~(size_t)15;
}

// Slabs

static void push(struct slab **list, struct slab *slab) {
    slab->previous = NULL;
    slab->next = *list;
    if (*list) (*list)->previous = slab;
    *list = slab;
}

static void unlink_slab(struct slab **list, struct slab *slab) {
    if (slab->previous) {
        slab->previous->next = slab->next;
    } else {
        *list = slab->next;
    }
    if (slab->next) slab->next->previous = slab->previous;
}

/// Maps one aligned segment.
static char *map_segment(void) {
    char *pages = mmap(NULL, 2 * segment_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED) return NULL;
    size_t before = (segment_bytes - ((uintptr_t)pages & (segment_bytes - 1))) & (segment_bytes - 1);
    if (before > 0) munmap(pages, before);
    munmap(pages + before + segment_bytes, segment_bytes - before);
    return pages + before;
}

static void add_segment(heap *heap) {
    char *pages = map_segment();
    if (!pages) return;
    struct segment *segment = (struct segment *)pages;
    segment->next = heap->segments;
    heap->segments = segment;
    heap->segment_bytes += segment_bytes;
    for (int i = slabs_per_segment - 1; i > 0; i--) {
        segment->slabs[i].start = pages + (size_t)i * slab_bytes;
        push(&heap->unused, &segment->slabs[i]);
    }
}

static struct slab *take_slab(heap *heap, int class) {
    if (!heap->unused) add_segment(heap);
    struct slab *slab = heap->unused;
    if (!slab) return NULL;
    unlink_slab(&heap->unused, slab);
    slab->freed = NULL;
    slab->used = slab->begun = 0;
    slab->capacity = slab_bytes / ((unsigned)(class + 1) * 16);
    push(&heap->with_room[class], slab);
    return slab;
}

static void *allocate_small(heap *heap, size_t bytes) {
    int class = (int)(rounded(bytes) / 16) - 1;
    struct slab *slab = heap->with_room[class];
    if (!slab) slab = take_slab(heap, class);
    if (!slab) return NULL;
    void *block = slab->freed;
    if (block) {
        memcpy(&slab->freed, block, sizeof slab->freed);
    } else {
        block = slab->start + (size_t)slab->begun++ * ((size_t)(class + 1) * 16);
    }
    if (++slab->used == slab->capacity) unlink_slab(&heap->with_room[class], slab);
    return block;
}

static void free_small(heap *heap, void *block, size_t bytes) {
    int class = (int)(rounded(bytes) / 16) - 1;
    uintptr_t offset = (uintptr_t)block & (segment_bytes - 1);
    struct segment *segment = (struct segment *)((uintptr_t)block - offset);
    struct slab *slab = &segment->slabs[offset / slab_bytes];
    if (slab->used == slab->capacity) push(&heap->with_room[class], slab);
    memcpy(block, &slab->freed, sizeof slab->freed);
    slab->freed = block;
    if (--slab->used > 0) return;
    unlink_slab(&heap->with_room[class], slab);
    push(&heap->unused, slab);
}

// Large blocks

static bool is_mapped(size_t bytes) {
    return bytes >= mapped_bytes_min;
}

static size_t page_bytes(size_t bytes) {
    return (bytes + sizeof(struct large) + 4095) & ~(size_t)4095;
}

static void link_large(heap *heap, struct large *large) {
    large->previous = NULL;
    large->next = heap->large;
    if (heap->large) heap->large->previous = large;
    heap->large = large;
}

static void unlink_large(heap *heap, struct large *large) {
    if (large->previous) {
        large->previous->next = large->next;
    } else {
        heap->large = large->next;
    }
    if (large->next) large->next->previous = large->previous;
}

static void *allocate_large(heap *heap, size_t bytes) {
    struct large *large;
    if (is_mapped(bytes)) {
        large = mmap(NULL, page_bytes(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (large == MAP_FAILED) return NULL;
    } else {
        large = malloc(bytes + sizeof *large);
        if (!large) return NULL;
    }
    large->bytes = bytes;
    link_large(heap, large);
    return large + 1;
}

static void free_large(heap *heap, void *block, size_t bytes) {
    struct large *large = (struct large *)block - 1;
    unlink_large(heap, large);
    if (is_mapped(bytes)) {
        munmap(large, page_bytes(bytes));
    } else {
        free(large);
    }
}

static void *resize_large(heap *heap, void *block, size_t old_bytes, size_t bytes) {
    struct large *large = (struct large *)block - 1;
    unlink_large(heap, large);
    struct large *moved;
    if (is_mapped(bytes)) {
        moved = mremap(large, page_bytes(old_bytes), page_bytes(bytes), MREMAP_MAYMOVE);
        if (moved == MAP_FAILED) moved = NULL;
    } else {
        moved = realloc(large, bytes + sizeof *large);
    }
    if (moved) moved->bytes = bytes;
    link_large(heap, moved ? moved : large);
    return moved ? moved + 1 : NULL;
}

// Any block

void *heap_allocate(heap *heap, size_t bytes) {
    return bytes <= small_bytes_max ? allocate_small(heap, bytes) : allocate_large(heap, bytes);
}

void heap_free(heap *heap, void *block, size_t bytes) {
    if (bytes <= small_bytes_max) {
        free_small(heap, block, bytes);
    } else {
        free_large(heap, block, bytes);
    }
}

void *heap_resize(heap *heap, void *block, size_t old_bytes, size_t bytes) {
    bool was_small = old_bytes <= small_bytes_max, is_small = bytes <= small_bytes_max;
    if (was_small && is_small && rounded(old_bytes) == rounded(bytes)) return block;
    if (!was_small && !is_small && is_mapped(old_bytes) == is_mapped(bytes)) return resize_large(heap, block, old_bytes, bytes);
    void *moved = heap_allocate(heap, bytes);
    if (!moved) return NULL;
    memcpy(moved, block, old_bytes < bytes ? old_bytes : bytes);
    heap_free(heap, block, old_bytes);
    return moved;
}

void heap_close(heap *heap) {
    while (heap->large) free_large(heap, heap->large + 1, heap->large->bytes);
    while (heap->segments) {
        struct segment *next = heap->segments->next;
        munmap(heap->segments, segment_bytes);
        heap->segments = next;
    }
}
