
-- The GPU.
CREATE FUNCTION softsort_gpu_status(
	probe boolean DEFAULT false,
	OUT state text, OUT reason text, OUT library text,
	OUT device integer, OUT device_name text, OUT compute_capability text, OUT driver_version text,
	OUT runtime_version text, OUT device_memory bigint, OUT simulated boolean,
	OUT break_even_rows double precision, OUT break_even_list double precision,
	OUT slots_used integer, OUT slots_max integer, OUT slots_enforced boolean,
	OUT counted_in text, OUT calls bigint, OUT rows bigint, OUT elements bigint, OUT rows_repeated bigint,
	OUT cpu_small bigint, OUT cpu_unsupported bigint, OUT cpu_no_device bigint, OUT cpu_no_slot bigint,
	OUT cpu_no_memory bigint, OUT cpu_lost bigint, OUT cpu_failed bigint,
	OUT losses bigint, OUT last_error text, OUT last_error_at timestamp with time zone)
	RETURNS record
	AS 'MODULE_PATHNAME', 'softsort_gpu_status' LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION softsort_gpu_status(boolean) IS 'what softsort does on the GPU, and why not; probe makes a context';
