// What a kernel says of itself. Compilers see nothing of it; src/Spos.Generators makes a launcher in C# of it.
//
//   SPOS_WORK(shape(rows, in, out), flops(2 * rows * in * out))
//   SPOS_KERNEL pointwise_forward(SPOS_OUT(rows, out) float* y, SPOS_IN(rows, in) const float* x,
//                                 SPOS_IN(in, out) const float* w, int rows, int in, int out) { ... }
//   SPOS_EXPORT(pointwise_forward)
//
// Each pointer is read (SPOS_IN), written (SPOS_OUT) or both (SPOS_IN_OUT), and is an array of the shape in the
// parentheses: launches of less are refused, and each value counts as read or written once. Empty parentheses: its
// length depends on more than the arguments, and is neither checked nor counted. After the shape may stand
//
//   or_null          the pointer may be null; then it counts nothing
//   uncounted        it is small, or stays in a cache: it is no part of the bytes that benchmarks count
//   counted(a, b)    a * b values of it are read or written, not all
//
// Sizes are numbers, the kernel's int and int64_t parameters, those of a macro around it, gridDim.x and gridDim.y,
// their sums, products and quotients, `condition ? a : b`, and
//
//   min(a, b), max(a, b)
//   product(a, b, ...)                  a * b * ..., which clang-format takes for a pointer before a parameter
//   ceil_div(a, b)                      a / b, rounded up
//   strided(row_stride, step, m, n)     as the shape itself: m rows of n values, rows row_stride and values step apart;
//                                       values between them are not counted
//
// SPOS_FLAG int is 0 or 1, to C# a bool. SPOS_WORK says which sizes benchmarks show, by flops(n) how many
// multiplications and additions of floats a launch is, and by reads(n) how many floats are read besides those of the
// parameters. products(n) besides flops(n), or in its place, counts those in products that take operands of the
// elements' type: such products of bf16 have a peak of their own. A kernel without SPOS_WORK does work that depends on
// more than its arguments; its grid is shown, and nothing is counted.
//
// A macro may make several kernels of one declaration, their names pasted from its parameters (branch.cu):
//
//   #define SPOS_NAME(K, T) SPOS_KERNEL name_k##K##_##T(SPOS_OUT(K, n) T* y, SPOS_IN(n, or_null) const T* x, int n) ...
//   SPOS_NAME(3, f32)
//   SPOS_NAME(3, bf16)
//
// Parameters are whole numbers, and one may be a type that pointers point to: f32, which is float, or bf16 (bf16.h). In
// C# the kernels are one method. It takes the numbers, and takes the type from the first array of it that may not be
// null, and refuses arrays of another. To a compiler a macro's code is one line, so it is best a call and no more.
#pragma once

#define SPOS_WORK(...)
#define SPOS_IN(...)
#define SPOS_OUT(...)
#define SPOS_IN_OUT(...)
#define SPOS_FLAG
