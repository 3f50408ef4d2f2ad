/*
 * test_derivatives.c - derivatives against central differences of five points
 * (N11, N13, N17): Jacobians, vjp and jvp of rank, sort and projection, the vjp
 * of isotonic regression and the gradient of soft_spearman, in every
 * combination of options.  Data whose blocks change within the step are left
 * out; blocks come from the solver.  Then products against Jacobians, the
 * adjoint identity on long rows, and where derivatives are zero.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "row.h"
#include "tap.h"

#define MOST 1200
#define SMALL 14

/* One function to differentiate at one point. */
typedef struct Case
{
	SfsTask task; /* forward */
	size_t n;
	size_t outputs;
	double x[SMALL];
	double y[SMALL];
	double step;
	double scale; /* what derivatives are compared to where they vanish */
} Case;

/* Largest error, and how many points were tried. */
typedef struct Worst
{
	double error;
	int points;
} Worst;

/* Note an error, NaN included. */
static void
note(Worst *worst, double error)
{
	if (!(error <= worst->error))
		worst->error = isnan(error) ? INFINITY : error;
}

/* Evaluate the forward function at a point. */
static void
evaluate(const Case *c, const double *x, double *out)
{
	SfsTask task = c->task;

	task.x.data = x;
	task.out.data = out;
	if (run_core(&task) != SFS_OK)
		out[0] = (double) NAN;
}

/* Label the elements of x by block; isotonic regression shows its blocks itself. */
static void
label_blocks(const Case *c, const double *x, size_t *label)
{
	SfsTask task = c->task;
	size_t bytes = sfs_core_workspace(&task);
	char *workspace = malloc(bytes);
	SfsPoll poll = {NULL, SFS_POLL_CREDIT};
	SfsRow row = {.task = &task, .n = c->n, .arena = {workspace, workspace + bytes}, .poll = &poll};
	SfsFit fit = {.blocks = 0};
	SfsStatus status = SFS_OK;
	const double *w;

	task.x.data = x;
	row.x = task.x;
	row.y = task.y;
	if (task.op == SFS_OP_RANK || task.op == SFS_OP_SOFT_SPEARMAN)
		status = sfs_fit_rank(&row, &row.x, &fit);
	else if (task.op == SFS_OP_SORT)
		status = sfs_fit_sort(&row, &fit);
	else if (task.op == SFS_OP_PROJECTION)
		status = sfs_fit_projection(&row, &fit, &w);
	else
	{
		double out[SMALL];

		evaluate(c, x, out);
		for (size_t i = 0, k = 0; i < c->n; i++)
			label[i] = i > 0 && out[i] == out[i - 1] ? k : ++k;
	}
	if (status != SFS_OK)
		label[0] = SIZE_MAX;
	for (size_t k = 0; k < fit.blocks; k++)
		for (size_t i = fit.start[k]; i < fit.start[k + 1]; i++)
			label[fit.perm == NULL ? i : fit.perm[i]] = k;
	free(workspace);
}

/* Differentiate along element j; return false when blocks change within the step. */
static bool
differentiate(const Case *c, size_t j, double *derivative)
{
	static const double weight[4] = {1.0, -8.0, 8.0, -1.0};
	static const double at[4] = {-2.0, -1.0, 1.0, 2.0};
	double x[SMALL];
	double out[SMALL];
	size_t label[2][SMALL];

	label_blocks(c, c->x, label[0]);
	memset(derivative, 0, c->outputs * sizeof(double));
	for (int k = 0; k < 4; k++)
	{
		memcpy(x, c->x, sizeof(x));
		x[j] += at[k] * c->step;
		label_blocks(c, x, label[1]);
		if (memcmp(label[0], label[1], c->n * sizeof(size_t)) != 0)
			return false;
		evaluate(c, x, out);
		for (size_t i = 0; i < c->outputs; i++)
			derivative[i] += weight[k] * out[i] / (12.0 * c->step);
	}
	return true;
}

/* Run one of the derivative operations at a point. */
static void
derive(const Case *c, SfsOp op, const double *g, double *out)
{
	SfsTask task = c->task;

	task.op = op;
	task.x.data = c->x;
	task.g.data = g;
	task.out.data = out;
	if (run_core(&task) != SFS_OK)
		out[0] = (double) NAN;
}

/* Compare the operations of one case with differences; SFS_OP_COUNT: there is none. */
static void
check(const Case *c, SfsOp vjp, SfsOp jvp, SfsOp jacobian, Worst *worst)
{
	double j_by_column[SMALL][SMALL];
	double out[SMALL * SMALL];
	double g[SMALL];
	double scale = c->scale;

	for (size_t j = 0; j < c->n; j++)
		if (!differentiate(c, j, j_by_column[j]))
			return;
	worst->points++;
	for (size_t j = 0; j < c->n; j++)
		for (size_t i = 0; i < c->outputs; i++)
			scale = fmax(scale, fabs(j_by_column[j][i]));
	for (size_t i = 0; i < c->n; i++)
		g[i] = c->outputs == 1 ? 1.0 : 2.0 * uniform() - 1.0;
	if (jacobian != SFS_OP_COUNT)
	{
		derive(c, jacobian, NULL, out);
		for (size_t j = 0; j < c->n; j++)
			for (size_t i = 0; i < c->n; i++)
				note(worst, fabs(out[i * c->n + j] - j_by_column[j][i]) / scale);
	}
	if (vjp != SFS_OP_COUNT)
	{
		derive(c, vjp, g, out);
		for (size_t j = 0; j < c->n; j++)
		{
			double want = 0.0;

			for (size_t i = 0; i < c->outputs; i++)
				want += g[i] * j_by_column[j][i];
			note(worst, fabs(out[j] - want) / scale);
		}
	}
	if (jvp != SFS_OP_COUNT)
	{
		derive(c, jvp, g, out);
		for (size_t i = 0; i < c->n; i++)
		{
			double want = 0.0;

			for (size_t j = 0; j < c->n; j++)
				want += g[j] * j_by_column[j][i];
			note(worst, fabs(out[i] - want) / scale);
		}
	}
}

/* Draw a case: a point, a strength, a step that suits them. */
static Case
draw(SfsOp op, SfsRegularization reg, SfsDirection direction, bool standardize)
{
	Case c = {.n = 2 + below(SMALL - 1)};
	double spread = exp2(6.0 * uniform() - 3.0);
	double strength = spread * exp2(8.0 * uniform() - 7.0);
	double mean = 0.0;
	double square = 0.0;

	for (size_t i = 0; i < c.n; i++)
	{
		c.x[i] = spread * normal();
		c.y[i] = op == SFS_OP_ISOTONIC ? 0.1 + uniform() : spread * normal();
		mean += c.x[i] / (double) c.n;
	}
	if (standardize)
		strength = exp2(7.0 * uniform() - 4.0);
	c.task = one_row(op, reg, strength, c.x, c.n, NULL);
	c.task.direction = direction;
	c.task.standardize = standardize;
	c.outputs = op == SFS_OP_SOFT_SPEARMAN ? 1 : c.n;
	c.step = 1e-3;
	c.scale = 0.1;
	if (op == SFS_OP_RANK || op == SFS_OP_SOFT_SPEARMAN)
	{
		for (size_t i = 0; i < c.n; i++)
			square += (c.x[i] - mean) * (c.x[i] - mean) / (double) c.n;
		if (standardize)
			strength *= sqrt(12.0 * square / ((double) (c.n * c.n) - 1.0));
		c.step = 1e-3 * fmin(strength, sqrt(square));
		c.scale = (op == SFS_OP_RANK ? 0.1 : 1e-2) / strength;
	}
	return c;
}

/* Test one operation in one combination of options. */
static void
test_one(const char *name, SfsOp op, SfsOp vjp, SfsOp jvp, SfsOp jacobian, SfsRegularization reg,
		 SfsDirection direction, bool standardize, double bound)
{
	Worst worst = {0.0, 0};

	for (int k = 0; k < 400; k++)
	{
		Case c = draw(op, reg, direction, standardize);

		/* isotonic regression without weights, too */
		if (op == SFS_OP_PROJECTION || op == SFS_OP_SOFT_SPEARMAN ||
			(op == SFS_OP_ISOTONIC && k % 2))
			c.task.y.data = c.y;
		check(&c, vjp, jvp, jacobian, &worst);
	}
	ok(worst.error < bound && worst.points >= 80, "%s %s %s%s: error %.1e at %d points", name,
	   sfs_regularization_name(reg), direction == SFS_ASCENDING ? "asc" : "desc",
	   standardize ? " standardized" : "", worst.error, worst.points);
}

/* Test every operation in every combination of options. */
static void
test_differences(void)
{
	for (int reg = 0; reg < SFS_REG_COUNT; reg++)
	{
		for (int direction = 0; direction < 2; direction++)
		{
			for (int standardize = 0; standardize < 2; standardize++)
				test_one("rank", SFS_OP_RANK, SFS_OP_RANK_VJP, SFS_OP_RANK_JVP,
						 SFS_OP_RANK_JACOBIAN, reg, direction, standardize, 1e-9);
			test_one("sort", SFS_OP_SORT, SFS_OP_SORT_VJP, SFS_OP_SORT_JVP, SFS_OP_SORT_JACOBIAN,
					 reg, direction, false, 1e-9);
		}
		test_one("projection", SFS_OP_PROJECTION, SFS_OP_PROJECTION_VJP, SFS_OP_PROJECTION_JVP,
				 SFS_OP_COUNT, reg, SFS_ASCENDING, false, 1e-9);
		for (int standardize = 0; standardize < 2; standardize++)
			test_one("soft_spearman", SFS_OP_SOFT_SPEARMAN, SFS_OP_SOFT_SPEARMAN_GRAD, SFS_OP_COUNT,
					 SFS_OP_COUNT, reg, SFS_ASCENDING, standardize, 1e-8);
	}
	for (int direction = 0; direction < 2; direction++)
		test_one("isotonic", SFS_OP_ISOTONIC, SFS_OP_ISOTONIC_VJP, SFS_OP_COUNT, SFS_OP_COUNT,
				 SFS_REG_L2, direction, false, 1e-9);
}

/* Test products against Jacobians and each other at any data, ties and long rows included. */
static void
test_products(SfsOp vjp, SfsOp jvp, SfsOp jacobian, const char *name)
{
	static double x[MOST], y[MOST], g[MOST], t[MOST], left[MOST], right[MOST], j[120 * 120];
	double products = 0.0;
	double adjoint = 0.0;

	for (int k = 0; k < 240; k++)
	{
		size_t n = k % 6 == 0 ? 1 + below(MOST) : 1 + below(120);
		SfsTask task = one_row(vjp, k % 2 ? SFS_REG_KL : SFS_REG_L2, 0.0, x, n, left);
		double sums[3] = {0.0, 0.0, 0.0};

		task.strength = k % 10 == 9 ? 0.0 : exp2(16.0 * uniform() - 10.0);
		task.direction = k / 2 % 2 ? SFS_DESCENDING : SFS_ASCENDING;
		task.standardize = vjp == SFS_OP_RANK_VJP && k / 4 % 2;
		for (size_t i = 0; i < n; i++)
		{
			x[i] = k % 3 == 0 ? (double) below(20) : normal();
			y[i] = 3.0 * normal();
			g[i] = normal();
			t[i] = normal();
		}
		task.g.data = g;
		task.y.data = y;
		if (run_core(&task) != SFS_OK)
			products = INFINITY;
		task.op = jvp;
		task.g.data = t;
		task.out.data = right;
		if (run_core(&task) != SFS_OK)
			products = INFINITY;
		for (size_t i = 0; i < n; i++)
		{
			sums[0] += left[i] * t[i];
			sums[1] += g[i] * right[i];
			sums[2] += fabs(left[i] * t[i]) + fabs(g[i] * right[i]);
		}
		if (sums[2] > 0.0)
			adjoint = fmax(adjoint, fabs(sums[0] - sums[1]) / sums[2]);
		if (n > 120 || jacobian == SFS_OP_COUNT)
			continue;
		task.op = jacobian;
		task.out.data = j;
		if (run_core(&task) != SFS_OK)
			products = INFINITY;
		for (size_t i = 0; i < n; i++)
		{
			double size[2] = {0x1p-1000, 0x1p-1000};
			double error[2] = {-left[i], -right[i]};

			for (size_t l = 0; l < n; l++)
			{
				error[0] += g[l] * j[l * n + i];
				size[0] += fabs(g[l] * j[l * n + i]);
				error[1] += j[i * n + l] * t[l];
				size[1] += fabs(j[i * n + l] * t[l]);
			}
			products = fmax(products, fabs(error[0]) / size[0]);
			products = fmax(products, fabs(error[1]) / size[1]);
		}
	}
	ok(adjoint < 1e-12, "%s: (g J) t = g (J t), error %.1e", name, adjoint);
	if (jacobian != SFS_OP_COUNT)
		ok(products < 1e-11, "%s: vjp and jvp are products with the Jacobian, error %.1e", name,
		   products);
}

/* Test where derivatives are zero or shared (N10, N15, N17). */
static void
test_zeros(void)
{
	static const double x[5] = {2.0, 1.0, 2.0, 5.0, 2.0};
	static const double constant[5] = {3.0, 3.0, 3.0, 3.0, 3.0};
	static const double g[5] = {1.0, -2.0, 4.0, 8.0, 3.0};
	double out[25];
	SfsTask task = one_row(SFS_OP_RANK_VJP, SFS_REG_KL, 0.0, x, 5, out);
	bool zero = true;
	/* ascending places: 1, then 2 three times, then 5 */
	double third = (-2.0 + 4.0 + 8.0) / 3.0;

	task.g.data = g;
	for (task.op = SFS_OP_RANK_VJP; task.op <= SFS_OP_RANK_JVP; task.op++)
	{
		out[0] = 1.0;
		run_core(&task);
		for (size_t i = 0; i < 5; i++)
			zero = zero && out[i] == 0.0;
	}
	ok(zero, "soft_rank at strength 0 has derivative 0");
	task.op = SFS_OP_RANK_VJP;
	task.x.data = constant;
	task.strength = 2.0;
	task.standardize = true;
	run_core(&task);
	for (size_t i = 0; i < 5; i++)
		zero = zero && out[i] == 0.0;
	ok(zero, "a constant list, standardized, has derivative 0");
	for (int standardize = 0; standardize < 2; standardize++)
	{
		task.standardize = standardize;
		task.length = 1;
		out[0] = 1.0;
		run_core(&task);
		zero = zero && out[0] == 0.0;
	}
	ok(zero, "one value has derivative 0");
	task = one_row(SFS_OP_SORT_VJP, SFS_REG_KL, 0.0, x, 5, out);
	task.g.data = g;
	run_core(&task);
	ok(out[1] == 1.0 && out[3] == 3.0 && fabs(out[0] - third) < 1e-15 * 10.0 && out[0] == out[2] &&
		   out[2] == out[4],
	   "soft_sort at strength 0 is the permutation, ties share evenly");
	task.length = 1;
	run_core(&task);
	ok(out[0] == 1.0, "soft_sort of one value has derivative 1");
}

int
main(void)
{
	test_differences();
	test_products(SFS_OP_RANK_VJP, SFS_OP_RANK_JVP, SFS_OP_RANK_JACOBIAN, "rank");
	test_products(SFS_OP_SORT_VJP, SFS_OP_SORT_JVP, SFS_OP_SORT_JACOBIAN, "sort");
	test_products(SFS_OP_PROJECTION_VJP, SFS_OP_PROJECTION_JVP, SFS_OP_COUNT, "projection");
	test_zeros();
	return done_testing();
}
