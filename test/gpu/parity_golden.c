/*
 * parity_golden.c - the golden set (test/golden/README.md); see parity.h.
 *
 * A device is compared with the core, which test_golden.c compares with the answers.
 */
#include "parity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES (1 << 22)

/* A list of the file. */
typedef struct List
{
	size_t n;
	double *v; /* NULL: there is no such list */
} List;

/* Read a list of numbers that follows its length. */
static void
read_list(List *list)
{
	char *token = strtok(NULL, " \n");

	free(list->v);
	*list = (List){0, NULL};
	if (token == NULL || strcmp(token, "none") == 0)
		return;
	list->n = (size_t) atol(token);
	list->v = need(list->n * sizeof(*list->v));
	for (size_t i = 0; i < list->n; i++)
	{
		token = strtok(NULL, " \n");
		list->v[i] = token != NULL ? strtod(token, NULL) : 0.0;
	}
}

/* Compare one record. */
static void
run_record(Parity *parity, const char *path, size_t line, const List *x, const List *y,
		   const List *g)
{
	SfsOp op = find_op(strtok(NULL, " \n"));
	SfsTask task = {.op = op, .rows = 1, .length = x->n};
	Case c = {.family = families(), .ordinary = false};

	if (op == SFS_OP_COUNT)
		return; /* it is about blocks */
	task.regularization = strcmp(strtok(NULL, " \n"), "kl") == 0 ? SFS_REG_KL : SFS_REG_L2;
	task.direction = strcmp(strtok(NULL, " \n"), "desc") == 0 ? SFS_DESCENDING : SFS_ASCENDING;
	task.standardize = atoi(strtok(NULL, " \n")) != 0;
	task.strength = strtod(strtok(NULL, " \n"), NULL);
	task.x = (SfsInput){x->v, SFS_FLOAT64, false};
	if (op_has_y(op) && y->v != NULL)
		task.y = (SfsInput){y->v, SFS_FLOAT64, false};
	if (op_has_g(op) && g->v != NULL)
		task.g = (SfsInput){g->v, SFS_FLOAT64, false};
	task.out.type = SFS_FLOAT64;
	snprintf(c.name, sizeof(c.name), "%s:%zu", path, line);
	c.task = task;
	compare(parity, &c);
}

/* See parity.h. */
size_t
run_golden(Parity *parity, const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = need(LINE_MAX_BYTES);
	List lists[3] = {{0, NULL}, {0, NULL}, {0, NULL}};
	size_t records = 0;

	for (size_t line = 1; file != NULL && fgets(text, LINE_MAX_BYTES, file) != NULL; line++)
	{
		char *word = strtok(text, " \n");

		if (word == NULL || word[0] == '#')
			continue;
		if (strcmp(word, "x") == 0)
			read_list(&lists[0]);
		else if (strcmp(word, "y") == 0)
			read_list(&lists[1]);
		else if (strcmp(word, "g") == 0)
			read_list(&lists[2]);
		else if (strcmp(word, "do") == 0)
		{
			records++;
			run_record(parity, path, line, &lists[0], &lists[1], &lists[2]);
		}
	}
	for (int i = 0; i < 3; i++)
		free(lists[i].v);
	free(text);
	if (file != NULL)
		fclose(file);
	return records;
}
