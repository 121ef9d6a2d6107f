"""HTTP in (customers, agents, bot, carriers), HTTP out (the bot), and the worker that runs jobs."""
