// Specs compare what programs print. Some programs print colours if CI or FORCE_COLOR is set, even into a pipe.
process.env.NO_COLOR = "1";
delete process.env.FORCE_COLOR;
