
-- The type softsort_state: the pairs that an aggregate has collected.
CREATE TYPE softsort_state;

CREATE FUNCTION softsort_state_in(cstring) RETURNS softsort_state
	AS 'MODULE_PATHNAME', 'softsort_state_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION softsort_state_in(cstring) IS 'reads a state from text';
CREATE FUNCTION softsort_state_out(softsort_state) RETURNS cstring
	AS 'MODULE_PATHNAME', 'softsort_state_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION softsort_state_out(softsort_state) IS 'writes a state as text';
CREATE FUNCTION softsort_state_recv(internal) RETURNS softsort_state
	AS 'MODULE_PATHNAME', 'softsort_state_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION softsort_state_recv(internal) IS 'reads a state from its binary form';
CREATE FUNCTION softsort_state_send(softsort_state) RETURNS bytea
	AS 'MODULE_PATHNAME', 'softsort_state_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION softsort_state_send(softsort_state) IS 'writes a state in its binary form';

CREATE TYPE softsort_state (
	INPUT = softsort_state_in,
	OUTPUT = softsort_state_out,
	RECEIVE = softsort_state_recv,
	SEND = softsort_state_send,
	ALIGNMENT = double,
	STORAGE = extended
);
COMMENT ON TYPE softsort_state IS 'pairs collected by an aggregate of softsort';

-- Functions over states.
CREATE FUNCTION spearman(state softsort_state) RETURNS double precision
	AS 'MODULE_PATHNAME', 'softsort_state_spearman' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION spearman(softsort_state) IS 'Spearman''s rank correlation of the pairs of a state';
CREATE FUNCTION soft_spearman(state softsort_state, regularization text DEFAULT 'l2',
	regularization_strength double precision DEFAULT 1.0, standardize boolean DEFAULT false) RETURNS double precision
	AS 'MODULE_PATHNAME', 'softsort_state_soft_spearman' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION soft_spearman(softsort_state, text, double precision, boolean) IS 'correlation of the soft ranks of the pairs of a state';

-- The functions that aggregates consist of.
CREATE FUNCTION softsort_state_append(softsort_state, double precision, double precision) RETURNS softsort_state
	AS 'MODULE_PATHNAME', 'softsort_state_append' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION softsort_state_append(softsort_state, double precision, double precision) IS 'adds a pair to the state of an aggregate';
CREATE FUNCTION softsort_state_append_soft(softsort_state, double precision, double precision) RETURNS softsort_state
	AS 'MODULE_PATHNAME', 'softsort_state_append_soft' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION softsort_state_append_soft(softsort_state, double precision, double precision) IS 'adds a pair to the state of soft_spearman';
CREATE FUNCTION softsort_state_append_soft(softsort_state, double precision, double precision, text) RETURNS softsort_state
	AS 'MODULE_PATHNAME', 'softsort_state_append_soft' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION softsort_state_append_soft(softsort_state, double precision, double precision, text) IS 'adds a pair to the state of soft_spearman';
CREATE FUNCTION softsort_state_append_soft(softsort_state, double precision, double precision, text, double precision) RETURNS softsort_state
	AS 'MODULE_PATHNAME', 'softsort_state_append_soft' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION softsort_state_append_soft(softsort_state, double precision, double precision, text, double precision) IS 'adds a pair to the state of soft_spearman';
CREATE FUNCTION softsort_state_append_soft(softsort_state, double precision, double precision, text, double precision, boolean) RETURNS softsort_state
	AS 'MODULE_PATHNAME', 'softsort_state_append_soft' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION softsort_state_append_soft(softsort_state, double precision, double precision, text, double precision, boolean) IS 'adds a pair to the state of soft_spearman';
CREATE FUNCTION softsort_state_combine(softsort_state, softsort_state) RETURNS softsort_state
	AS 'MODULE_PATHNAME', 'softsort_state_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION softsort_state_combine(softsort_state, softsort_state) IS 'adds the pairs of the second state to the first';
CREATE FUNCTION softsort_state_finish(softsort_state) RETURNS softsort_state
	AS 'MODULE_PATHNAME', 'softsort_state_finish' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION softsort_state_finish(softsort_state) IS 'returns the state of an aggregate as a value';
CREATE FUNCTION softsort_state_finish_soft(softsort_state) RETURNS double precision
	AS 'MODULE_PATHNAME', 'softsort_state_finish_soft' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION softsort_state_finish_soft(softsort_state) IS 'returns soft_spearman with the options of the state';

-- Aggregates.  SSPACE: the planner shall not take a hash table of many groups for small.
CREATE AGGREGATE spearman(x double precision, y double precision) (
	SFUNC = softsort_state_append, STYPE = softsort_state, SSPACE = 1024,
	FINALFUNC = spearman, FINALFUNC_MODIFY = READ_ONLY, COMBINEFUNC = softsort_state_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE spearman(double precision, double precision) IS 'Spearman''s rank correlation with mid-ranks for ties';
CREATE AGGREGATE soft_spearman(x double precision, y double precision) (
	SFUNC = softsort_state_append_soft, STYPE = softsort_state, SSPACE = 1024,
	FINALFUNC = softsort_state_finish_soft, FINALFUNC_MODIFY = READ_ONLY, COMBINEFUNC = softsort_state_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE soft_spearman(double precision, double precision) IS 'correlation of soft ranks';
CREATE AGGREGATE soft_spearman(x double precision, y double precision, regularization text) (
	SFUNC = softsort_state_append_soft, STYPE = softsort_state, SSPACE = 1024,
	FINALFUNC = softsort_state_finish_soft, FINALFUNC_MODIFY = READ_ONLY, COMBINEFUNC = softsort_state_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE soft_spearman(double precision, double precision, text) IS 'correlation of soft ranks';
CREATE AGGREGATE soft_spearman(x double precision, y double precision, regularization text, regularization_strength double precision) (
	SFUNC = softsort_state_append_soft, STYPE = softsort_state, SSPACE = 1024,
	FINALFUNC = softsort_state_finish_soft, FINALFUNC_MODIFY = READ_ONLY, COMBINEFUNC = softsort_state_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE soft_spearman(double precision, double precision, text, double precision) IS 'correlation of soft ranks';
CREATE AGGREGATE soft_spearman(x double precision, y double precision, regularization text, regularization_strength double precision, standardize boolean) (
	SFUNC = softsort_state_append_soft, STYPE = softsort_state, SSPACE = 1024,
	FINALFUNC = softsort_state_finish_soft, FINALFUNC_MODIFY = READ_ONLY, COMBINEFUNC = softsort_state_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE soft_spearman(double precision, double precision, text, double precision, boolean) IS 'correlation of soft ranks';
CREATE AGGREGATE softsort_state_agg(x double precision, y double precision) (
	SFUNC = softsort_state_append, STYPE = softsort_state, SSPACE = 1024,
	FINALFUNC = softsort_state_finish, FINALFUNC_MODIFY = READ_ONLY, COMBINEFUNC = softsort_state_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE softsort_state_agg(double precision, double precision) IS 'pairs as a state to store and merge';
CREATE AGGREGATE softsort_merge(state softsort_state) (
	SFUNC = softsort_state_combine, STYPE = softsort_state, SSPACE = 1024,
	FINALFUNC = softsort_state_finish, FINALFUNC_MODIFY = READ_ONLY, COMBINEFUNC = softsort_state_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE softsort_merge(softsort_state) IS 'the pairs of many states in one';
