// The memory of one interpreter. It can be given back as a whole, in whatever state the interpreter was left, and at a cost
// that goes by its blocks of memory, not by Lua's objects: that is how a run ends that was stopped in the middle.

#ifndef CLUA_HEAP_H
#define CLUA_HEAP_H

#include <stddef.h>

typedef struct heap heap;
struct segment;
struct slab;
struct large;

/// Blocks up to this size are cut from slabs, one size class each.
enum { small_bytes_max = 1024, size_class_count = small_bytes_max / 16 };

struct heap {
    struct segment *segments;
    /// Slabs with room, by size class.
    struct slab *with_room[size_class_count];
    struct slab *unused;
    struct large *large;
    /// What the segments take.
    size_t segment_bytes;
};

void *heap_allocate(heap *heap, size_t bytes);
/// `bytes` is what the block was allocated with.
void heap_free(heap *heap, void *block, size_t bytes);
/// Returns NULL, and leaves the block as it is, if there is no memory.
void *heap_resize(heap *heap, void *block, size_t old_bytes, size_t bytes);
void heap_close(heap *heap);

#endif
