/*
 * kernels.h - the inner loops that exist once per level of SIMD instructions.
 *
 * Every level gives the same bits.  The portable one is plain C and says what
 * each kernel means; the others are drop-ins for it.
 */
#ifndef SFS_KERNELS_H
#define SFS_KERNELS_H

#include "sfs_core.h"
#include "sums.h"

/* Most words that sort_words takes, and the bits of a position among them. */
#define SFS_WORDS_MAX ((size_t) 32768)

/*
 * A monotone map of values to integers: v = sign * x goes to the integer part of
 * (from - v) * scale, which is not negative and below 2^31.
 */
typedef struct SfsQuantizer
{
	double sign; /* 1 or -1 */
	double from; /* the largest v */
	double scale;
} SfsQuantizer;

/* Most values that pool takes. */
#define SFS_POOL_MAX ((size_t) 256)

/*
 * What keeps neighbours [a, b) and [b, c) apart: for soft_rank that the difference
 * of their means exceeds step * (c - a) / 2, for soft_sort that it is below.
 */
typedef struct SfsRamp
{
	double step; /* 2^-1000 to 2^1000 */
	bool exact;	 /* step is the true one, not rounded */
	bool below;
} SfsRamp;

/*
 * The sums of e^z over a block of the entropic soft sort, where z falls by steps: in
 * proportion, and relative to what follows the block and to its first.
 */
typedef struct SfsGeometric
{
	double step;
	size_t known;				   /* entries that are computed */
	double rise[SFS_POOL_MAX + 1]; /* of m values: e^(m step) - 1 */
	double fall[SFS_POOL_MAX + 1]; /* 1 - e^(-m step) */
} SfsGeometric;

/* Longest block of which l2_ranks writes the ranks: one leaf of its sum. */
#define SFS_SHORT_BLOCK SFS_LEAF

/* Values that are nearer to each other are scaled before they are computed with. */
#define SFS_PLAIN_RANGE 0x1p-400

/* See affine. */
typedef struct SfsAffine
{
	double sign;
	double base;
	double mean;
	double divisor;
	double offset;
} SfsAffine;

/* Rows that one call of a kernel computes, and most values of each. */
#define SFS_ROWS ((size_t) 8)
#define SFS_ROWS_LENGTH ((size_t) 48)

/* SFS_ROWS rows of 1 < n <= SFS_ROWS_LENGTH values. */
typedef struct SfsRows
{
	const void *x;
	const void *y; /* the second variable, or g */
	SfsType x_type;
	SfsType y_type;
	SfsType out_type;
	size_t n;
	size_t x_stride; /* from a row to the next: n, or 0 */
	size_t y_stride;
	double sign;	 /* of x: 1 or -1 */
	double strength; /* 2^-400 to 2^400 */
	void *out;
} SfsRows;

typedef struct SfsKernels
{
	const char *name;

	/* How many bits more than a position a quantized value shall have. */
	int spare_bits;

	/* Are all values finite? */
	bool (*all_finite)(const void *x, SfsType type, size_t n);

	/* Find the smallest and the largest of n > 0 values; a zero has any sign. */
	void (*range)(const void *x, SfsType type, size_t n, double *low, double *high);

	/* Write quantized value << bits | position. */
	void (*quantize)(const SfsQuantizer *quantizer, const void *x, SfsType type, size_t n, int bits,
					 uint32_t *word);

	/* Add the differences sign * x - base to a sum that is free of order, with two folds. */
	void (*sum_differences)(const void *x, SfsType type, size_t n, double sign, double base,
							SfsFreeSum *sum);

	/* Add the products a * b to a sum that is free of order. */
	void (*sum_products)(const double *a, const double *b, size_t n, SfsFreeSum *sum);

	/*
	 * Write ((sign * x - base) - mean) / divisor + offset, never -0; return whether all
	 * results are finite.
	 */
	bool (*affine)(const SfsAffine *affine, const void *x, SfsType type, size_t n, void *out,
				   SfsType out_type);

	/*
	 * Sort 0 < n <= SFS_WORDS_MAX different words, in place; all bits above the
	 * lowest `bits`, `width` of them, count, the lowest are in ascending order already.
	 * word and other have max(n, 64) words.
	 */
	void (*sort_words)(uint32_t *word, uint32_t *other, size_t n, int bits, int width);

	/*
	 * Sort sign * x of 0 < n <= SFS_WORDS_MAX floats, never -0, descending; word and
	 * other as in sort_words.  NULL where that is not faster than to sort positions.
	 */
	void (*sort_floats)(const float *x, size_t n, double sign, uint32_t *word, uint32_t *other,
						double *sorted);

	/*
	 * Write the positions, word & mask, and sign * x at them, never -0; return
	 * whether these values descend.
	 */
	bool (*take)(const uint32_t *word, size_t n, uint32_t mask, const void *x, SfsType type,
				 double sign, uint32_t *perm, double *sorted);

	/* Replace n numbers x <= 0 by e^x, or by e^x - 1. */
	void (*exponentials)(double *x, size_t n, bool less_1);

	/*
	 * Pool 1 < n <= SFS_POOL_MAX descending values into blocks of the quadratic soft
	 * rank (or soft sort), which the blocks of the row are unions of.  Returns their
	 * number and writes their starts, followed by n; settled: the blocks of these n
	 * values alone are found.  Returns 0 when some decision is too close for doubles.
	 */
	size_t (*pool)(const SfsRamp *ramp, const double *v, size_t n, uint32_t *start, bool *settled);

	/*
	 * Write the ranks of those of the given blocks that are one value, or up to
	 * SFS_SHORT_BLOCK values, by (((v - high) - mean) / strength + middle) + offset, where the middle of positions
	 * a .. b - 1 is (n - a - b) / 2.  Positions in start, v and out count from the begin
	 * of the row.  Returns how many blocks are left, because they are longer or their
	 * values so close that their differences have to be scaled, and writes which, counted
	 * from the first given; their elements get any value.
	 */
	size_t (*l2_ranks)(const double *v, size_t n, const uint32_t *start, size_t blocks,
					   double strength, double offset, double *out, uint32_t *left);

	/*
	 * The same of the entropic soft rank: pool values with weights top, top - 1, ...  Also
	 * returns 0 when the exponentials of the values would leave the safe range.
	 */
	size_t (*pool_kl)(const double *v, size_t n, double strength, double top, uint32_t *start,
					  bool *settled);

	/*
	 * The same of the entropic soft sort, with the values as weights.  Neighbours stay
	 * apart when the second's sum of e^v times the first's rise exceeds the first's sum
	 * times the second's fall.
	 */
	size_t (*pool_kl_sort)(SfsGeometric *ramp, const double *v, size_t n, uint32_t *start,
						   bool *settled);

	/*
	 * The same as l2_ranks by ((t - T / m) / E * W + middle) + offset, with T the sum of
	 * the terms t, E that of the exponentials and W that of the weights; t is e^d - 1 for
	 * d = (v - high) / strength where all d of the block are above -log 2, else e^d.
	 */
	size_t (*kl_ranks)(const double *v, size_t n, const uint32_t *start, size_t blocks,
					   double strength, double offset, double *out, uint32_t *left);

	/*
	 * Multiply g, in the order of v, with the Jacobian of soft_rank, for the same blocks;
	 * single values get 0.  l2: ((g - g_0) - mean) / strength, g_0 being the first of the
	 * block and the mean that of g - g_0.  kl: W p ((g - g_0) - mean) / strength, with p the
	 * softmax of the block and the mean that under p.
	 */
	size_t (*l2_products)(const double *g, const uint32_t *start, size_t blocks, double strength,
						  double *out, uint32_t *left);
	size_t (*kl_products)(const double *v, const double *g, size_t n, const uint32_t *start,
						  size_t blocks, double strength, double *out, uint32_t *left);

	/*
	 * Compute SFS_ROWS rows at once, as one after the other would be: quadratic soft
	 * ranks, their products with J and g, Spearman's correlation, and that of quadratic
	 * soft ranks.  They return which rows are left, as bits, because these need more than
	 * plain arithmetic; their output gets any value.  NULL where that is not faster.
	 */
	unsigned (*l2_rank_rows)(const SfsRows *rows);
	unsigned (*l2_product_rows)(const SfsRows *rows);
	unsigned (*spearman_rows)(const SfsRows *rows);
	unsigned (*l2_spearman_rows)(const SfsRows *rows);
} SfsKernels;

/* The kernels in use: of the best level that this processor has, until another is chosen. */
extern const SfsKernels *sfs_kernels;

/* Use the best level that this processor has. */
extern void sfs_kernels_choose(void);

/* Use a level by its name; false when there is none, or not on this processor. */
extern bool sfs_kernels_force(const char *name);

/* Return the name of level i from the lowest on; NULL when there is none. */
extern const char *sfs_kernels_name(size_t i);

extern const SfsKernels sfs_kernels_portable;
extern const SfsKernels sfs_kernels_avx512;

/* A block of a smaller ratio of range to strength is quadratic to the last bit. */
#define SFS_KL_RATIO_MIN 0x1p-60

/* A block up to this ratio computes with e^d - 1. */
#define SFS_KL_NEAR_ONE 0.6931

/* Largest ratio of range to strength that pool_kl takes. */
#define SFS_KL_RATIO_MAX 600.0

/* Largest fall of z that pool_kl_sort takes. */
#define SFS_KL_DEPTH_MAX 300.0

/* Compute the entries up to n; n step is below SFS_KL_DEPTH_MAX. */
extern void sfs_geometric_extend(SfsGeometric *ramp, size_t n);

/* The kernels of other files than the tables. */
extern void sfs_portable_sort_words(uint32_t *word, uint32_t *other, size_t n, int bits, int width);
extern void sfs_avx512_sort_words(uint32_t *word, uint32_t *other, size_t n, int bits, int width);
extern size_t sfs_portable_pool(const SfsRamp *ramp, const double *v, size_t n, uint32_t *start,
								bool *settled);
extern size_t sfs_avx512_pool(const SfsRamp *ramp, const double *v, size_t n, uint32_t *start,
							  bool *settled);
extern size_t sfs_portable_l2_ranks(const double *v, size_t n, const uint32_t *start, size_t blocks,
									double strength, double offset, double *out, uint32_t *left);
extern size_t sfs_avx512_l2_ranks(const double *v, size_t n, const uint32_t *start, size_t blocks,
								  double strength, double offset, double *out, uint32_t *left);

extern void sfs_portable_exponentials(double *x, size_t n, bool less_1);
extern void sfs_avx512_exponentials(double *x, size_t n, bool less_1);
extern size_t sfs_portable_pool_kl(const double *v, size_t n, double strength, double top,
								   uint32_t *start, bool *settled);
extern size_t sfs_portable_pool_kl_sort(SfsGeometric *ramp, const double *v, size_t n,
										uint32_t *start, bool *settled);
extern size_t sfs_avx512_pool_kl_sort(SfsGeometric *ramp, const double *v, size_t n,
									  uint32_t *start, bool *settled);
extern size_t sfs_portable_kl_ranks(const double *v, size_t n, const uint32_t *start, size_t blocks,
									double strength, double offset, double *out, uint32_t *left);

extern size_t sfs_avx512_pool_kl(const double *v, size_t n, double strength, double top,
								 uint32_t *start, bool *settled);
extern size_t sfs_avx512_kl_ranks(const double *v, size_t n, const uint32_t *start, size_t blocks,
								  double strength, double offset, double *out, uint32_t *left);

extern size_t sfs_portable_l2_products(const double *g, const uint32_t *start, size_t blocks,
									   double strength, double *out, uint32_t *left);
extern size_t sfs_portable_kl_products(const double *v, const double *g, size_t n,
									   const uint32_t *start, size_t blocks, double strength,
									   double *out, uint32_t *left);

extern size_t sfs_avx512_l2_products(const double *g, const uint32_t *start, size_t blocks,
									 double strength, double *out, uint32_t *left);
extern size_t sfs_avx512_kl_products(const double *v, const double *g, size_t n,
									 const uint32_t *start, size_t blocks, double strength,
									 double *out, uint32_t *left);

extern unsigned sfs_avx512_l2_rank_rows(const SfsRows *rows);
extern unsigned sfs_avx512_l2_product_rows(const SfsRows *rows);
extern unsigned sfs_avx512_spearman_rows(const SfsRows *rows);
extern unsigned sfs_avx512_l2_spearman_rows(const SfsRows *rows);

#endif /* SFS_KERNELS_H */
