// null is false in tests, though for Lua it is a value like any other (a light userdata), so that tables hold it.
//
// Lua 5.4 decides on truth in three instructions: OP_TEST, OP_TESTSET and OP_NOT. In a program's bytecode each of them is
// replaced by a jump to a few instructions behind the function's end, which compare with null first. So nothing else moves, and
// no other jump and no line changes. The functions get one more upvalue, which holds null, and one more register to compare with.
//
// The form of bytecode is that of ldump.c, the same in all of 5.4; Lua itself checks its version when it is loaded.

#include "Engine.h"

typedef uint32_t instruction;

enum {
    op_move = 0, op_loadtrue = 7, op_getupval = 9, op_not = 51, op_jmp = 56, op_eq = 57, op_test = 66, op_testset = 67,
};
enum { header_bytes = 31, jump_zero = (1 << 24) - 1, registers_max = 255, upvalues_max = 255, absolute_line = 0x80 };

static int op_of(instruction code) { return code & 0x7F; }
static int a_of(instruction code) { return code >> 7 & 0xFF; }
static int k_of(instruction code) { return code >> 15 & 1; }
static int b_of(instruction code) { return code >> 16 & 0xFF; }

static instruction encode(int op, int a, int b, int k) {
    return (instruction)op | (instruction)a << 7 | (instruction)k << 15 | (instruction)b << 16;
}

static instruction jump(int from, int to) {
    return (instruction)op_jmp | (instruction)(to - (from + 1) + jump_zero) << 7;
}

static bool is_test(instruction code) {
    int op = op_of(code);
    return op == op_test || op == op_testset || op == op_not;
}

/// How many instructions stand in for one.
static int detour_length(instruction code) {
    if (op_of(code) == op_not) return 7;
    return op_of(code) == op_testset && !k_of(code) ? 8 : 6;
}

/// Writes what stands in for the instruction at `pc`, to be at `at`. `scratch` is a free register.
static void write_detour(instruction *detour, instruction code, int pc, int at, int scratch, int null_upvalue) {
    int op = op_of(code), k = k_of(code);
    int tested = op == op_test ? a_of(code) : b_of(code);
    // A test is followed by the jump that it takes or passes over.
    int taken = pc + 1, passed = op == op_not ? pc + 1 : pc + 2;
    int if_null = op == op_not ? at + 5 : k ? passed : op == op_testset ? at + 6 : taken;
    detour[0] = encode(op_getupval, scratch, null_upvalue, 0);
    detour[1] = encode(op_eq, tested, scratch, 1);
    detour[2] = jump(at + 2, if_null);
    detour[3] = code;
    detour[4] = jump(at + 4, taken);
    if (op == op_not) {
        detour[5] = encode(op_loadtrue, a_of(code), 0, 0);
        detour[6] = jump(at + 6, taken);
        return;
    }
    detour[5] = jump(at + 5, passed);
    if (op == op_test || k) return;
    // A null that decides an `and` is its value.
    detour[6] = encode(op_move, a_of(code), tested, 0);
    detour[7] = jump(at + 7, taken);
}

// Reading bytecode and writing it

struct pass {
    lua_State *L;
    const unsigned char *at;
    buffer *output;
};

static void put(struct pass *pass, const void *bytes, size_t count) {
    spend_bytes(pass->L, count);
    if (!buffer_append(pass->output, bytes, count)) luaL_error(pass->L, "ran out of memory");
}

static void put_byte(struct pass *pass, int byte) {
    unsigned char value = (unsigned char)byte;
    put(pass, &value, 1);
}

static void copy(struct pass *pass, size_t count) {
    put(pass, pass->at, count);
    pass->at += count;
}

/// Groups of seven bits, the highest first; the last one is marked.
static size_t take_size(struct pass *pass) {
    size_t size = 0;
    unsigned char byte;
    do {
        byte = *pass->at++;
        size = size << 7 | (byte & 0x7F);
    } while (!(byte & 0x80));
    return size;
}

static void put_size(struct pass *pass, size_t size) {
    unsigned char bytes[10];
    int first = sizeof bytes;
    do {
        bytes[--first] = (unsigned char)(size & 0x7F);
        size >>= 7;
    } while (size > 0);
    bytes[sizeof bytes - 1] |= 0x80;
    put(pass, bytes + first, sizeof bytes - (size_t)first);
}

/// Copies what `skip` moves over.
static void copy_over(struct pass *pass, void (*skip)(struct pass *)) {
    const unsigned char *start = pass->at;
    skip(pass);
    put(pass, start, (size_t)(pass->at - start));
}

static void skip_size(struct pass *pass) {
    take_size(pass);
}

static void skip_string(struct pass *pass) {
    size_t size = take_size(pass);
    if (size > 0) pass->at += size - 1;
}

static void skip_constants(struct pass *pass) {
    for (size_t count = take_size(pass); count > 0; count--) {
        spend(pass->L, 1);
        switch (*pass->at++) {
        case 3: case 19: pass->at += 8; break;         // integers and floating point numbers
        case 4: case 20: skip_string(pass); break;     // short strings and long ones
        default: break;                                // nil, false, true
        }
    }
}

static void skip_local_names(struct pass *pass) {
    for (size_t count = take_size(pass); count > 0; count--) {
        spend(pass->L, 1);
        skip_string(pass);
        take_size(pass);
        take_size(pass);
    }
}

// Functions

struct code {
    const unsigned char *bytes;
    int count;
};

static instruction code_at(struct code code, int pc) {
    instruction value;
    memcpy(&value, code.bytes + (size_t)pc * sizeof value, sizeof value);
    return value;
}

static int detours_length(struct pass *pass, struct code code) {
    int length = 0;
    for (int pc = 0; pc < code.count; pc++)
        if (is_test(code_at(code, pc))) length += detour_length(code_at(code, pc));
    spend(pass->L, (size_t)code.count / 16 + 1);
    return length;
}

static void write_code(struct pass *pass, struct code code, int scratch, int null_upvalue) {
    instruction detour[8];
    put_size(pass, (size_t)(code.count + detours_length(pass, code)));
    int at = code.count;
    for (int pc = 0; pc < code.count; pc++) {
        instruction value = code_at(code, pc);
        if (is_test(value)) {
            int length = detour_length(value);
            value = jump(pc, at);
            at += length;
        }
        put(pass, &value, sizeof value);
    }
    at = code.count;
    for (int pc = 0; pc < code.count; pc++) {
        instruction value = code_at(code, pc);
        if (!is_test(value)) continue;
        write_detour(detour, value, pc, at, scratch, null_upvalue);
        put(pass, detour, (size_t)detour_length(value) * sizeof *detour);
        at += detour_length(value);
    }
}

/// The lines of the instructions: differences, and now and then a line as it is, which stands in a list of its own.
static void write_lines(struct pass *pass, struct code code, int first_line) {
    int detours = detours_length(pass, code);
    size_t count = take_size(pass);
    const unsigned char *differences = pass->at;
    put_size(pass, count + (size_t)detours);
    copy(pass, count);
    for (int pc = 0; pc < code.count; pc++) {
        if (!is_test(code_at(code, pc))) continue;
        put_byte(pass, absolute_line);
        for (int i = 1; i < detour_length(code_at(code, pc)); i++) put_byte(pass, 0);
    }
    size_t absolute_count = take_size(pass), detour_count = 0;
    const unsigned char *absolute = pass->at;
    for (int pc = 0; pc < code.count; pc++) detour_count += is_test(code_at(code, pc));
    put_size(pass, absolute_count + detour_count);
    for (size_t i = 0; i < 2 * absolute_count; i++) copy_over(pass, skip_size);
    const unsigned char *end = pass->at;
    pass->at = absolute;
    int at = code.count, line = first_line;
    for (int pc = 0; pc < code.count; pc++) {
        if (differences[pc] == absolute_line) {
            take_size(pass);
            line = (int)take_size(pass);
        } else {
            line += (signed char)differences[pc];
        }
        if (!is_test(code_at(code, pc))) continue;
        put_size(pass, (size_t)at);
        put_size(pass, (size_t)line);
        at += detour_length(code_at(code, pc));
    }
    pass->at = end;
}

/// `null_index` is where the enclosing function has its null; the main function has it on the stack of nobody.
static void write_function(struct pass *pass, bool is_main, int null_index) {
    copy_over(pass, skip_string);
    const unsigned char *lines = pass->at;
    int first_line = (int)take_size(pass);
    take_size(pass);
    put(pass, lines, (size_t)(pass->at - lines));
    copy(pass, 2);
    int registers = *pass->at++;
    struct code code = {.count = (int)take_size(pass)};
    code.bytes = pass->at;
    pass->at += (size_t)code.count * sizeof(instruction);
    const unsigned char *constants = pass->at;
    skip_constants(pass);
    const unsigned char *upvalues = pass->at;
    int own_null = (int)take_size(pass);
    if (own_null >= upvalues_max) luaL_error(pass->L, "function at line %d has more than 254 upvalues", first_line);
    bool has_tests = detours_length(pass, code) > 0;
    if (has_tests && registers >= registers_max)
        luaL_error(pass->L, "function at line %d needs too many registers", first_line);
    put_byte(pass, registers + has_tests);
    write_code(pass, code, registers, own_null);
    put(pass, constants, (size_t)(upvalues - constants));
    put_size(pass, (size_t)own_null + 1);
    copy(pass, (size_t)own_null * 3);
    unsigned char null_upvalue[3] = {is_main, (unsigned char)null_index, 0};
    put(pass, null_upvalue, sizeof null_upvalue);
    size_t functions = take_size(pass);
    put_size(pass, functions);
    for (; functions > 0; functions--) write_function(pass, false, own_null);
    write_lines(pass, code, first_line);
    copy_over(pass, skip_local_names);
    size_t names = take_size(pass);
    put_size(pass, names + 1);
    for (; names > 0; names--) copy_over(pass, skip_string);
    put_size(pass, 0);
}

// Compiling

static int append_to_buffer(lua_State *L, const void *bytes, size_t count, void *context) {
    spend_bytes(L, count);
    return buffer_append(context, bytes, count) ? 0 : 1;
}

void compile_source(lua_State *L, lua_Reader reader, void *context, const char *name, buffer *bytecode) {
    buffer *plain = &owner(L)->output;
    if (lua_load(L, reader, context, name, "t") != LUA_OK) lua_error(L);
    plain->count = 0;
    if (lua_dump(L, append_to_buffer, plain, 0) != 0) luaL_error(L, "ran out of memory");
    lua_pop(L, 1);
    struct pass pass = {L, (const unsigned char *)plain->bytes, bytecode};
    copy(&pass, header_bytes);
    put_byte(&pass, *pass.at++ + 1);
    write_function(&pass, true, 1);
    buffer_clear(plain);
}

void set_null(lua_State *L) {
    lua_pushlightuserdata(L, NULL);
    if (!lua_setupvalue(L, -2, 2)) lua_pop(L, 1);
}

static const char *read_whole(lua_State *L, void *context, size_t *count) {
    (void)L;
    const char **source = context, *piece = *source;
    *count = piece ? strlen(piece) : 0;
    *source = NULL;
    return piece;
}

void push_compiled(lua_State *L, const char *source, const char *name) {
    buffer *bytecode = &owner(L)->code;
    bytecode->count = 0;
    compile_source(L, read_whole, &source, name, bytecode);
    if (luaL_loadbufferx(L, bytecode->bytes, bytecode->count, name, "b") != LUA_OK) lua_error(L);
    set_null(L);
}
