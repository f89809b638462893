# The demo and its workers, from source: `docker compose --profile full up --build`.
FROM node:20-slim
WORKDIR /app
ENV NODE_ENV=development
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts && npm cache clean --force
COPY . .
USER node
EXPOSE 8080
# No npm in between: SIGTERM reaches node itself, which closes connections and ends.
ENTRYPOINT ["node", "--import=tsx", "--conditions=greenroom-source"]
CMD ["demo/main.ts"]
